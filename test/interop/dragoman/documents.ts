import { createHash } from 'node:crypto'
import { caller, type Document, grantOfOrders, orders } from '../../world/documents.ts'

/** The documents of the interop tests, beside the trust maps. */

const document = (kind: string, name: string, spec: Document['spec']): Document => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

interface Rights {
  readonly sources: readonly string[]
  /** Is it believed when it presents certificates of others? */
  readonly presentCertificates?: boolean
}

/** A Client that may ask for tokens for `orders`. */
export const client = (
  name: string,
  clientId: string,
  authentication: readonly Readonly<Record<string, unknown>>[],
  rights: Rights,
): Document =>
  document('Client', name, {
    clientId,
    authentication,
    may: { ...rights, audiences: [orders], scopes: ['orders:read'] },
  })

/** The client with the secret. */
export const edgeClient = (rights: Rights): Document => {
  const sha256 = createHash('sha256').update(caller.secret).digest('base64url')
  return client(caller.id, caller.id, [{ method: 'client_secret_post', secrets: [{ sha256 }] }], rights)
}

export const gateway = (spec: Document['spec']): Document => document('Gateway', 'edge', spec)

/** A rule for workloads, which makes a subject of `claim`. */
export const workloadRule = (
  name: string,
  claims: Readonly<Record<string, unknown>>,
  subject: Readonly<Record<string, unknown>>,
  grant: Readonly<Record<string, unknown>> = {},
) => ({ name, when: { claims }, identity: { type: 'workload', subject }, grant: { ...grantOfOrders, ...grant } })
