import type { JWTPayload } from 'jose'
import { foreignTenant } from '../harness/foreign-issuer.ts'

/**
 * What dragoman's trust map says in YAML and CEL, as somebody would write it by hand: one condition, a subject and four
 * mapped claims. Throws when the token's holder gets nothing.
 */
export const canonicalIdentity = (claims: JWTPayload) => {
  const { tid, roles, sub } = claims
  const employed = tid === foreignTenant && Array.isArray(roles) && roles.includes('employee')
  if (!employed || sub === undefined) throw new Error('no rule matched')
  return {
    subject: `user:${sub}`,
    claims: { tenant: tid, roles, email: claims['email'], department: claims['department'] },
  }
}
