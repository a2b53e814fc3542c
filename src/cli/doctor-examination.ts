import { setTimeout as sleep } from 'node:timers/promises'
import { type Outcome, type Result, type Scene, type Shot, type Verdict, worstOf } from './doctor-expectations.ts'
import type { Gateway } from './doctor-gateway.ts'
import type { Probe } from './doctor-probe.ts'
import { probes } from './doctor-probes.ts'
import { byClient, type Kit } from './doctor-shots.ts'

/** All probes, one request after the other. */

export interface Finding {
  readonly probe: Probe
  readonly result: Result
  readonly told: readonly Verdict[]
}

/** For all of it, in milliseconds. */
const longest = 180_000

/** Longer than the period of usual rate limits. */
const pause = 1_500

export const examine = async (gateway: Gateway, kit: Kit, scene: Scene): Promise<readonly Finding[]> => {
  const deadline = performance.now() + longest
  const fire = async (shot: Shot): Promise<Outcome> =>
    performance.now() < deadline ? gateway.fire(shot) : { kind: 'unknown', why: 'there was no time left' }
  const outcomesOf = controlled(fire, byClient(kit, 'a good request'))
  const findings: Finding[] = []
  for (const probe of probes) {
    const shots = probe.shots(kit)
    if (shots.length > 0) findings.push(judged(probe, shots, await outcomesOf(shots), scene))
    else if (!kit.hasCertificate) findings.push({ probe, ...worstOf([needsToken]) })
  }
  return findings
}

const inconclusive = (phrase: string): Verdict => ({ result: 'inconclusive', phrase, items: [] })

const needsToken = inconclusive('this takes a token: --token-env NAME or --token @FILE')

/**
 * What is turned away proves nothing when good requests are as well: the token may have expired, or a limit may be
 * reached. Then all is tried once more after a pause, unless pauses have not helped before.
 */
const controlled = (fire: (shot: Shot) => Promise<Outcome>, good: Shot) => {
  let mayHelp = true
  return async (shots: readonly Shot[]): Promise<readonly Outcome[]> => {
    for (;;) {
      const outcomes: Outcome[] = []
      for (const shot of shots) outcomes.push(await fire(shot))
      if (outcomes.every(({ kind }) => kind === 'arrived')) return outcomes
      const isLetIn = (await fire(good)).kind === 'arrived'
      if (isLetIn || !mayHelp) {
        mayHelp = isLetIn
        return isLetIn ? outcomes : outcomes.map(asNoProof)
      }
      mayHelp = false
      await sleep(pause)
    }
  }
}

const asNoProof = (outcome: Outcome): Outcome =>
  outcome.kind === 'turned away'
    ? { kind: 'unknown', why: 'good requests are not let through any more; has the token expired?' }
    : outcome

const judged = (probe: Probe, shots: readonly Shot[], outcomes: readonly Outcome[], scene: Scene): Finding => {
  const verdicts = shots.flatMap((shot, at): Verdict[] => {
    const outcome = outcomes[at]
    if (outcome === undefined) return []
    return [outcome.kind === 'unknown' ? inconclusive(outcome.why) : probe.expectation(shot, outcome, scene)]
  })
  return { probe, ...worstOf(verdicts) }
}
