import type { Claims } from '../../domain/claims.ts'

/** Who lives in the demo world, and what its issuer says about them. */

/** Whom the tokens of people are for, and those of CI jobs: `aud` in the demo documents. */
export const audiences = { people: 'dragoman-demo', ci: 'dragoman-demo-ci' } as const

const signedIn = { amr: ['pwd', 'otp'], email_verified: true } as const

/** The claims of each person's ID token, besides those of every token. */
export const people: ReadonlyMap<string, Claims> = new Map<string, Claims>([
  [
    'alice',
    {
      ...signedIn,
      sub: 'alice',
      name: 'Alice Example',
      email: 'alice@acme.example',
      employment: 'employee',
      groups: ['engineering', 'order-desk'],
    },
  ],
  [
    'bob',
    {
      ...signedIn,
      sub: 'bob',
      name: 'Bob Example',
      email: 'bob@contractors.example',
      employment: 'contractor',
      groups: ['order-desk'],
    },
  ],
  [
    'mallory',
    {
      ...signedIn,
      sub: 'mallory',
      name: 'Mallory Example',
      email: 'mallory@elsewhere.example',
      employment: 'former',
      groups: ['order-desk'],
    },
  ],
])

/** The claims of a CI job's token, in the manner of GitHub Actions. */
export const jobOn = (ref: string): Claims => ({
  sub: `repo:acme/orders:ref:${ref}`,
  repository: 'acme/orders',
  repository_id: '1001',
  repository_owner_id: '42',
  ref,
  event_name: 'push',
  workflow: 'deploy',
})
