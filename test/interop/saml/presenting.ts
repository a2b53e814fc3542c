import type { JWTPayload } from 'jose'
import { expect } from 'vitest'
import type { Answer, Dragoman } from '../../world/dragoman.ts'
import { base64url } from '../../world/saml-text.ts'

/** Assertions presented to dragoman, and what came of them. */

export const saml2 = 'urn:ietf:params:oauth:token-type:saml2'

export interface Refused {
  readonly status: number
  readonly error: string | undefined
  /** From the audit log. */
  readonly reason: string | undefined
}

export const invalid = (reason: string): Refused => ({ status: 400, error: 'invalid_request', reason })

export interface Presenting {
  /** The claims of the token that the assertion in `xml` is exchanged for, which holds by the published keys. */
  readonly accepted: (xml: string) => Promise<JWTPayload>
  /** How the assertion in `xml` is refused. */
  readonly refused: (xml: string) => Promise<Refused>
  /** The claims if the assertion in `xml` is accepted. */
  readonly claimsOf: (xml: string) => Promise<JWTPayload | undefined>
}

export const presenting = (dragoman: Dragoman): Presenting => {
  const present = (xml: string) => dragoman.exchange({ subject_token: base64url(xml), subject_token_type: saml2 })
  const claimsIn = async ({ body }: Answer) => (await dragoman.verified(body.access_token)).payload
  return {
    accepted: async (xml) => {
      const answer = await present(xml)
      const reason = answer.status === 200 ? undefined : await dragoman.reasonOf(answer)
      expect([answer.status, reason]).toEqual([200, undefined])
      return claimsIn(answer)
    },
    refused: async (xml) => {
      const answer = await present(xml)
      expect(answer.body).not.toHaveProperty('access_token')
      return { status: answer.status, error: answer.body.error, reason: await dragoman.reasonOf(answer) }
    },
    claimsOf: async (xml) => {
      const answer = await present(xml)
      return answer.status === 200 ? claimsIn(answer) : undefined
    },
  }
}
