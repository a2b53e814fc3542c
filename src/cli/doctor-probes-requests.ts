import { keptOut, letThrough, pathPlain, turnedAway } from './doctor-expectations.ts'
import type { Probe } from './doctor-probe.ts'
import { byClient, byStranger, marked, trustedHeaders } from './doctor-shots.ts'

const preflight = ['Origin: https://doctor.invalid', 'Access-Control-Request-Method: POST']

/** What gateways say of the original request: here of another than the one that is made. */
const otherRequest: readonly string[] = [
  'X-Forwarded-Method: DOCTOR',
  'X-Forwarded-Proto: doctor',
  'X-Forwarded-Host: doctor.invalid',
  'X-Forwarded-Uri: /doctor//elsewhere',
  'X-Original-Method: DOCTOR',
  'X-Original-URL: https://doctor.invalid/doctor//elsewhere',
  'X-Original-URI: /doctor//elsewhere',
]

const ambiguousTails: readonly string[] = [
  '/a//b',
  '/a/./b',
  '/a/../b',
  '/a/..;/b',
  '/a%2Fb',
  '/a/%2e%2e/b',
  '/a%5Cb',
  '/a\\b',
  '/a%00b',
  '/a%252Fb',
]

/** Whether dragoman judges the request that the service gets. */
export const requestProbes: readonly Probe[] = [
  {
    name: 'original-request',
    severity: 'high',
    expectation: letThrough,
    why: 'The decision seems to be about the request that the client names, not about the one that it makes.',
    remedy: 'original',
    shots: (kit) => otherRequest.map((line) => byClient(kit, line.slice(0, line.indexOf(':')), [line])),
  },
  {
    name: 'paths',
    severity: 'high',
    expectation: pathPlain,
    why: 'Gateway, dragoman and service can each read another path in it; dragoman itself would have refused it.',
    remedy: 'paths',
    shots: (kit) => ambiguousTails.map((tail) => byClient(kit, tail, [], { tail })),
  },
  {
    name: 'preflight',
    severity: 'high',
    expectation: keptOut,
    why: 'A CORS preflight has no credential, and here it has an identity.',
    remedy: 'options',
    shots: (kit) => {
      const { lines, marks } = marked(kit, trustedHeaders(kit))
      return [byStranger('a preflight', [...preflight, ...lines], { method: 'OPTIONS', marks })]
    },
  },
  {
    name: 'not-a-preflight',
    severity: 'high',
    expectation: turnedAway,
    why: 'More is let in for the sake of CORS preflights than those.',
    remedy: 'options',
    shots: () => [
      byStranger('OPTIONS without Origin', [], { method: 'OPTIONS' }),
      byStranger('GET with Origin', preflight),
    ],
  },
]
