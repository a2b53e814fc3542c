import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import * as z from 'zod'
import { type ExchangeTarget, formsFor } from './exchange-request.ts'
import { targetAudience } from './exchange-setup.ts'
import { tokensIn } from './subject-tokens.ts'
import type { ExchangeServer, World } from './world.ts'

const exchanged = z.object({ access_token: z.string(), token_type: z.literal('Bearer') })
export const jsonWebKeySet = z.custom<JSONWebKeySet>(
  (value) => z.object({ keys: z.array(z.unknown()) }).safeParse(value).success,
)
const mapped = ['tenant', 'roles', 'email', 'department'] as const
const sources = { tenant: 'tid', roles: 'roles', email: 'email', department: 'department' } as const

/**
 * Makes one exchange at `server` and looks closely at what it gives: a token under its published ES256 key, for the
 * right audience and subject, with the four mapped claims. So nobody is measured who does less than the others.
 * Returns the answer's body. Throws when anything is amiss.
 */
export const witness = async (world: World, server: ExchangeServer, target: ExchangeTarget): Promise<string> => {
  const token = tokensIn(world.pool.file)[world.options.tokens] ?? ''
  const body = await exchange(target, token)
  const { access_token } = exchanged.parse(JSON.parse(body))
  const keys = await (await fetch(`http://127.0.0.1:${server.port}${server.jwksPath}`)).json()
  const { payload } = await jwtVerify(access_token, createLocalJWKSet(jsonWebKeySet.parse(keys)), {
    algorithms: ['ES256'],
    issuer: server.issuer,
    audience: targetAudience,
    requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'scope'],
  })
  const foreign = decodeJwt(token)
  if (payload.sub !== `user:${foreign.sub}`) throw new Error(`${server.issuer} minted another subject`)
  for (const name of mapped) {
    const same = JSON.stringify(payload[name]) === JSON.stringify(foreign[sources[name]])
    if (!same) throw new Error(`${server.issuer} did not map ${name}`)
  }
  return body
}

const exchange = async (target: ExchangeTarget, token: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
    },
    body: formsFor(target)(token),
  })
  const body = await answer.text()
  if (answer.status !== 200) throw new Error(`an exchange was answered ${answer.status}: ${body.slice(0, 300)}`)
  return body
}
