import { createLocalJWKSet, decodeJwt, importJWK, jwtVerify } from 'jose'
import { type ExchangeTarget, requestsFor } from './exchange-request.ts'
import { targetAudience, targetScope } from './exchange-setup.ts'
import { partnerTokenIssuer, protectedHost } from './forwarded-request.ts'
import { openConnection } from './http-connection.ts'
import { tokensIn } from './subject-tokens.ts'
import { jsonWebKeySet } from './witness.ts'
import type { ExchangeServer, World } from './world.ts'

/** The head of an answer, as it stood on the wire. */
export type Head = readonly (readonly [name: string, value: string])[]

/**
 * Asks once about a request and looks closely at the answer: a token of the server's in place of the foreign one, for the
 * service behind the gateway alone. Returns the answer's headers. Throws when anything is amiss.
 */
export const authzWitness = async (world: World, server: ExchangeServer, target: ExchangeTarget): Promise<Head> => {
  const token = unusedToken(world)
  const { head, passed } = await passedOn(target, token)
  const keys = await (await fetch(`http://127.0.0.1:${server.port}${server.jwksPath}`)).json()
  const { payload } = await jwtVerify(passed, createLocalJWKSet(jsonWebKeySet.parse(keys)), {
    algorithms: ['ES256'],
    issuer: server.issuer,
    audience: targetAudience,
  })
  if (payload.sub !== `user:${decodeJwt(token).sub}` || payload['scope'] !== targetScope)
    throw new Error(`${server.issuer} lets the request pass as another's`)
  return head
}

/** The same at the way out: what is put on the request is the credential of the partner. */
export const egressWitness = async (world: World, target: ExchangeTarget): Promise<Head> => {
  const { head, passed } = await passedOn(target, unusedToken(world))
  const key = await importJWK(world.setup.clientJwk, 'ES256')
  await jwtVerify(passed, key, { issuer: partnerTokenIssuer, audience: `https://${protectedHost}` })
  return head
}

/** No slice has it. */
const unusedToken = (world: World): string => tokensIn(world.pool.file)[world.options.tokens] ?? ''

const passedOn = async (target: ExchangeTarget, token: string) => {
  const connection = await openConnection(target.port)
  const { status, bytes } = await connection.exchange(requestsFor(target)(token))
  connection.close()
  if (status !== 200) throw new Error(`a request was not let pass: ${bytes.toString('latin1').slice(0, 600)}`)
  const head = headOf(bytes.toString('latin1'))
  const passed = head.find(([name]) => name.toLowerCase() === 'authorization')?.[1].replace('Bearer ', '') ?? ''
  return { head, passed }
}

const headOf = (answer: string): Head =>
  answer
    .slice(0, answer.indexOf('\r\n\r\n'))
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
