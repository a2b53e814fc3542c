import { randomUUID } from 'node:crypto'

/** The foreign issuer that exists only in the bench. No request ever goes to this name. */
export const foreignIssuer = 'https://issuer.bench.example'
export const foreignAudience = 'https://dragoman.bench.example'
export const foreignTenant = '72f988bf-86f1-41af-91ab-2d7cd011db47'
export const foreignParty = 'orders-portal'
export const foreignKeyId = 'bench-rs256'

/** Long enough for a day's runs, shorter than the day that dragoman accepts at most. */
export const validSeconds = 12 * 3600

/** The claims of one subject token: thirteen, as a corporate identity provider's tokens have them. */
export const subjectClaims = (issuedAt: number): Readonly<Record<string, unknown>> => {
  const subject = randomUUID()
  return {
    iss: foreignIssuer,
    sub: subject,
    aud: foreignAudience,
    exp: issuedAt + validSeconds,
    nbf: issuedAt,
    iat: issuedAt,
    jti: randomUUID(),
    azp: foreignParty,
    tid: foreignTenant,
    roles: ['employee', 'orders-approver'],
    email: `${subject.slice(0, 8)}@corp.bench.example`,
    name: 'Ada Lovelace',
    department: 'engineering',
  }
}
