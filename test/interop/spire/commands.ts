import * as z from 'zod'
import { outputOf } from '../command.ts'
import type { SpireServer } from './server.ts'

/** What an operator asks of a SPIRE server. */

/** A server, as its commands find it. */
export type Server = Pick<SpireServer, 'program' | 'socket' | 'trustDomain'>

/** What a command answers, in the shape that it must have. */
export const asJson = async <T>(server: Server, shape: z.ZodType<T>, words: readonly string[]): Promise<T> =>
  shape.parse(JSON.parse(await outputOf(server.program, [...words, '-socketPath', server.socket, '-output', 'json'])))

/** A token with which one agent may join, as `spiffe://TRUST-DOMAIN/agent`. */
export const joinToken = async (server: Server): Promise<string> => {
  const words = ['token', 'generate', '-spiffeID', agentId(server)]
  return (await asJson(server, z.object({ value: z.string() }), words)).value
}

const agentId = ({ trustDomain }: Server): string => `spiffe://${trustDomain}/agent`

const outcomes = z.object({
  results: z.array(z.object({ status: z.object({ code: z.number(), message: z.string() }) })),
})

/** Sees to it that a command has done all that it was asked for; throws otherwise. */
export const mustDo = async (server: Server, words: readonly string[]): Promise<void> => {
  const { results } = await asJson(server, outcomes, words)
  for (const { status } of results)
    if (status.code !== 0) throw new Error(`${words.slice(0, 2).join(' ')}: ${status.message}`)
}

/** A registration entry, as the command line says it: workloads of the user `uid` behind the agent have this path. */
export const entryWords = (server: Server, path: string, uid: number): readonly string[] => [
  '-spiffeID',
  `spiffe://${server.trustDomain}/${path}`,
  '-parentID',
  agentId(server),
  '-selector',
  `unix:uid:${uid}`,
]

/** Workloads of the user `uid` behind the agent are `spiffe://TRUST-DOMAIN/PATH` from now on. */
export const registerWorkload = (server: Server, path: string, uid: number): Promise<void> =>
  mustDo(server, ['entry', 'create', ...entryWords(server, path, uid)])

/** The trust bundle: certificates in PEM, or a JWK set as in the SPIFFE bundle format. */
export const bundleOf = ({ program, socket }: Server, format: 'pem' | 'spiffe'): Promise<string> =>
  outputOf(program, ['bundle', 'show', '-format', format, '-socketPath', socket])

/** An X.509-SVID, from the leaf on, with the key and the trust bundle of that moment. All are PEM. */
export interface X509Svid {
  readonly chain: string
  readonly key: string
  readonly bundle: string
}

const pem = (label: string, base64: string): string =>
  `-----BEGIN ${label}-----\n${(base64.match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`

const certificates = (list: readonly string[]): string => list.map((one) => pem('CERTIFICATE', one)).join('')

const mintedX509 = z.array(
  z.object({ x509_svid: z.array(z.string()), private_key: z.string(), root_cas: z.array(z.string()) }),
)

/** An X.509-SVID by the server itself, without agent or registration; `ttl` in seconds. */
export const mintX509 = async (server: Server, path: string, ttl = 600): Promise<X509Svid> => {
  const id = `spiffe://${server.trustDomain}/${path}`
  const [minted] = await asJson(server, mintedX509, ['x509', 'mint', '-spiffeID', id, '-ttl', `${ttl}s`])
  if (minted === undefined) throw new Error('nothing minted')
  const key = pem('PRIVATE KEY', minted.private_key)
  return { chain: certificates(minted.x509_svid), key, bundle: certificates(minted.root_cas) }
}

const mintedJwt = z.object({ svid: z.object({ token: z.string() }) })

/** A JWT-SVID by the server itself; `ttl` in seconds. */
export const mintJwt = async (server: Server, path: string, audience: string, ttl = 300): Promise<string> => {
  const id = `spiffe://${server.trustDomain}/${path}`
  const words = ['jwt', 'mint', '-spiffeID', id, '-audience', audience, '-ttl', `${ttl}s`]
  return (await asJson(server, mintedJwt, words)).svid.token
}

export type AuthorityKind = 'x509' | 'jwt'

const authority = z.object({ authority_id: z.string() })

const askAuthorities = <T>(server: Server, kind: AuthorityKind, shape: z.ZodType<T>, words: readonly string[]) =>
  asJson(server, shape, ['localauthority', kind, ...words])

/** The server signs with a new key from now on; the one before stays in the bundle. */
export const rotate = async (server: Server, kind: AuthorityKind): Promise<void> => {
  const prepared = z.object({ prepared_authority: authority })
  const { authority_id: id } = (await askAuthorities(server, kind, prepared, ['prepare'])).prepared_authority
  await askAuthorities(server, kind, z.unknown(), ['activate', '-authorityID', id])
}

const tellOfOld = async (server: Server, kind: AuthorityKind, word: 'taint' | 'revoke', id: string): Promise<void> =>
  void (await askAuthorities(server, kind, z.unknown(), [word, '-authorityID', id]))

/**
 * Agents renew what the key before the present one has signed, their own SVID included; it stays in the bundle. Returns
 * how to take it out, which must wait until they have: an agent that comes too late is shut out.
 */
export const taintOld = async (server: Server, kind: AuthorityKind): Promise<() => Promise<void>> => {
  const shown = z.object({ old: authority })
  const { authority_id: id } = (await askAuthorities(server, kind, shown, ['show'])).old
  await tellOfOld(server, kind, 'taint', id)
  return () => tellOfOld(server, kind, 'revoke', id)
}
