import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { clients } from '../world/openid-provider-settings.ts'
import { asEdge, exchange, refused, tokenTypes } from './dragoman/exchange.ts'
import { issuer } from './dragoman/serving.ts'
import { mintX509 } from './spire/commands.ts'
import { documents, fromFiles, ordersId, people } from './spire/documents.ts'
import { spire } from './spire/running-spire.ts'
import { type BesideSpire, startBesideSpire } from './spire/serving.ts'
import { thumbprintOf } from './spire/svids.ts'
import { fetchJwt, fetchX509 } from './spire/workload.ts'

/** An ID token of a real OpenID provider together with an SVID of a real SPIRE: one rule about both. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const { server, agent, partner } = spire

describe('a user through a workload', () => {
  let provider: OpenIdProvider
  let dragoman: BesideSpire
  beforeAll(async () => {
    provider = await startOpenIdProvider()
    const rules = people(provider.issuer, clients.web.client_id)
    // `dev`, since the provider of the tests speaks plain http.
    dragoman = await startBesideSpire(folder, fromFiles, [...documents(fromFiles, ['people']), rules], {
      command: 'dev',
    })
    return async () => {
      await dragoman.stop()
      await provider.stop()
    }
  })

  const ofAlice = async () => ({
    subject_token: await provider.idToken('alice'),
    subject_token_type: tokenTypes.idToken,
  })

  it('has the X.509-SVID of the connection as its actor, and the token is bound to it', async () => {
    const svid = await fetchX509(agent)
    const form = { ...(await ofAlice()), client_id: ordersId }
    const outcome = await exchange(dragoman, { by: dragoman.callerWith(svid) }, form)
    const claims = {
      sub: 'user:alice',
      rule: 'engineers-through-orders',
      act: { sub: 'workload:prod/orders-web', identity_type: 'workload' },
      cnf: { 'x5t#S256': thumbprintOf(svid) },
    }
    expect(outcome).toMatchObject({ status: 200, claims })
  })

  it('may have it named as actor_token', async () => {
    const svid = await fetchX509(agent)
    const actor = { actor_token: svid.chain, actor_token_type: tokenTypes.x509Chain }
    const form = { ...(await ofAlice()), ...actor, client_id: ordersId }
    const outcome = await exchange(dragoman, { by: dragoman.callerWith(svid) }, form)
    expect(outcome).toMatchObject({ status: 200, claims: { act: { sub: 'workload:prod/orders-web' } } })
  })

  it('may have a JWT-SVID as actor_token', async () => {
    const svid = await fetchX509(agent)
    const actor = { actor_token: await fetchJwt(agent, issuer), actor_token_type: tokenTypes.jwt }
    const form = { ...(await ofAlice()), ...actor, client_id: ordersId }
    const outcome = await exchange(dragoman, { by: dragoman.callerWith(svid) }, form)
    expect(outcome).toMatchObject({ status: 200, claims: { act: { sub: 'workload:prod/orders-web' } } })
  })

  it('is refused through another workload, through one of the partner’s, and through none', async () => {
    const form = { ...(await ofAlice()), ...asEdge }
    const others = [await mintX509(server, 'reports'), await mintX509(partner, 'orders-web')].map(dragoman.callerWith)
    for (const by of [...others, dragoman.anyone])
      expect(await exchange(dragoman, { by }, form)).toEqual(refused('rule.none_matched'))
  })

  it('is refused when the group of the user is another', async () => {
    const form = { subject_token: await provider.idToken('bob'), subject_token_type: tokenTypes.idToken }
    const by = dragoman.callerWith(await fetchX509(agent))
    expect(await exchange(dragoman, { by }, { ...form, client_id: ordersId })).toEqual(refused('rule.none_matched'))
  })

  it('is refused when the SVID is presented by somebody who does not hold it', async () => {
    const svid = await fetchX509(agent)
    const actor = { actor_token: svid.chain, actor_token_type: tokenTypes.x509Chain }
    const by = dragoman.callerWith(await mintX509(partner, 'billing'))
    const form = { ...(await ofAlice()), ...actor, client_id: 'billing' }
    expect(await exchange(dragoman, { by }, form)).toEqual(refused('actor.invalid'))
  })
})
