import {
  goneAltogether,
  identified,
  keptFromTheClient,
  keptOut,
  turnedAway,
  turnedAwayAsTheClientsFault,
} from './doctor-expectations.ts'
import type { Probe } from './doctor-probe.ts'
import { byClient, byStranger, credentialLines, forgedLine, tampered } from './doctor-shots.ts'

/** Whether tokens are asked for, verified and replaced. */
export const tokenProbes: readonly Probe[] = [
  {
    name: 'identity',
    severity: 'high',
    expectation: identified,
    why: 'The service cannot tell who calls, or takes whatever else comes in for it.',
    remedy: 'identity',
    shots: (kit) => [byClient(kit, 'a good request')],
  },
  {
    name: 'answer',
    severity: 'high',
    expectation: keptFromTheClient,
    why: 'The client is shown the internal token or identity, and can present it inside.',
    remedy: 'answer',
    shots: (kit) => [byClient(kit, 'a good request')],
  },
  {
    name: 'missing-token',
    severity: 'high',
    expectation: turnedAway,
    why: 'Nobody asks who calls, or the gateway lets everybody in while dragoman cannot be asked.',
    remedy: 'closed',
    shots: () => [
      byStranger('no token'),
      byStranger('an empty Authorization', ['Authorization:']),
      byStranger('Bearer without a token', ['Authorization: Bearer']),
      byStranger('Basic', ['Authorization: Basic ZG9jdG9yOmRvY3Rvcg==']),
    ],
  },
  {
    name: 'forged-token',
    severity: 'high',
    expectation: turnedAway,
    why: 'Anybody can write a token that passes: nobody verifies its signature.',
    remedy: 'closed',
    shots: ({ newMark }) => [byStranger('a made-up token of ours', [forgedLine(newMark())])],
  },
  {
    name: 'tampered-token',
    severity: 'high',
    expectation: turnedAway,
    why: 'A client can change what its token says: nobody verifies its signature.',
    remedy: 'closed',
    shots: (kit) =>
      kit.token === undefined
        ? []
        : [byStranger('the token with another signature', credentialLines(kit, tampered(kit.token)))],
  },
  {
    name: 'two-tokens',
    severity: 'high',
    expectation: keptOut,
    why: 'One token is verified, and another reaches the service as if it had been.',
    remedy: 'identity',
    shots: (kit) => {
      const mark = kit.newMark()
      const after = byClient(kit, 'a made-up token after it', [forgedLine(mark)], { marks: [mark] })
      return [{ ...after, what: 'a made-up token before it', lines: after.lines.toReversed() }, after]
    },
  },
  {
    name: 'oversized-token',
    severity: 'medium',
    expectation: turnedAwayAsTheClientsFault,
    why: 'A client can set off what looks like an outage, or comes past the decision.',
    remedy: 'sizes',
    shots: () =>
      [6, 20, 100].map((size) => byStranger(`${size} kB`, [`Authorization: Bearer ${'a'.repeat(size * 1_024)}`])),
  },
  {
    name: 'client-token',
    severity: 'medium',
    expectation: goneAltogether,
    why: 'Every service behind the gateway can act as the client elsewhere.',
    remedy: 'credential',
    shots: (kit) => (kit.token === undefined ? [] : [byClient(kit, kit.tokenHeader, [], { marks: [kit.token] })]),
  },
]
