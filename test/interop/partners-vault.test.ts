import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentsFor } from '../world/documents.ts'
import { type Dragoman, eventually, newFolder, removeFolder, startDragoman } from '../world/dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { askForCredential, auditOf, canonicalToken, partner, wayOut } from '../world/way-out.ts'
import * as programs from './partners/running.ts'
import { startVault, type Vault } from './partners/vault.ts'

/** Partners' secrets lie in a real Vault, and dragoman reads them there: with a token, or keyless by its own issuer. */

const apiKey = (path: string) => ({
  type: 'api-key',
  value: { keyRef: `vault://partners/${path}#api_key` },
})
const carried = { inject: { headers: [{ name: 'authorization', prefix: 'Key ', from: 'value' }] } }

const documents = (issuer: string) => [
  ...documentsFor(issuer),
  ...wayOut,
  partner('acme', apiKey('eu/acme'), carried),
  partner('forbidden', apiKey('us/forbidden'), carried),
  partner('nothing', apiKey('eu/nothing'), carried),
]

const policy = `path "partners/data/eu/*" { capabilities = ["read"] }`
const secretOfAcme = 'the-key-that-only-vault-knows'

const write = (vault: Vault, path: string, value: string) =>
  vault.administer('POST', `partners/data/${path}`, { data: { api_key: value } })

let provider: OpenIdProvider
let vault: Vault
const folder = newFolder()
beforeAll(async () => {
  provider = await startOpenIdProvider()
  vault = await startVault(programs.vault, folder)
  await vault.administer('POST', 'sys/mounts/partners', { type: 'kv', options: { version: '2' } })
  await vault.administer('PUT', 'sys/policies/acl/dragoman', { policy })
  // The store takes nothing for a moment after it was mounted.
  await eventually(() => write(vault, 'eu/acme', secretOfAcme).catch(() => undefined))
  await write(vault, 'us/forbidden', 'of-others')
}, 60_000)
afterAll(async () => {
  await Promise.all([vault?.stop(), provider?.stop()])
  removeFolder(folder)
})

const ask = async (dragoman: Dragoman, host: string) =>
  askForCredential(dragoman, await canonicalToken(provider, dragoman, 'alice'), host)

const given = async (dragoman: Dragoman, host = 'acme.example') => {
  const answer = await ask(dragoman, host)
  return { status: answer.status, authorization: answer.headers.get('authorization') }
}

const holds = { status: 200, authorization: `Key ${secretOfAcme}` }

/** Everything that may be read of it, but not the secret. */
const refusedWith = async (dragoman: Dragoman, name: string, detail: string) => {
  expect((await ask(dragoman, `${name}.example`)).status).toBe(403)
  const record = await auditOf(dragoman, name)
  expect(record).toMatchObject({ reason: 'secret.unavailable', detail: expect.stringContaining(detail) })
}

describe('with a token of Vault in a file', () => {
  let dragoman: Dragoman
  const tokenFile = join(folder, 'token')
  beforeAll(async () => {
    const made = (await vault.administer('POST', 'auth/token/create', { policies: ['dragoman'], ttl: '10m' })) as {
      auth: { client_token: string }
    }
    writeFileSync(tokenFile, `${made.auth.client_token}\n`)
    const options = ['--vault-address', vault.url, '--vault-token-file', tokenFile]
    dragoman = await startDragoman(folder, documents(provider.issuer), { options })
    return async () => void (await dragoman.stop())
  }, 60_000)

  it('presents the key that is in the KV store', async () => expect(await given(dragoman)).toEqual(holds))

  it('refuses what the policy of the token does not allow, and says where', () =>
    refusedWith(dragoman, 'forbidden', 'answers with status 403'))

  it('refuses a secret that is not there', () => refusedWith(dragoman, 'nothing', 'answers with status 404'))

  it('writes neither the secrets nor the token anywhere', () => {
    const token = readFileSync(tokenFile, 'utf8').trim()
    for (const secret of [secretOfAcme, 'of-others', token]) expect(dragoman.output().includes(secret)).toBe(false)
  })
})

describe('keyless, by the jwt auth method', () => {
  const port = { known: '' }
  let dragoman: Dragoman
  const at = newFolder()
  const options = () => ['--vault-address', vault.url, '--vault-role', 'dragoman']
  beforeAll(async () => {
    dragoman = await startDragoman(at, documents(provider.issuer), { options: options() })
    port.known = new URL(dragoman.url).port
    await vault.administer('POST', 'sys/auth/jwt', { type: 'jwt' })
    await vault.administer('POST', 'auth/jwt/config', {
      jwks_url: `${dragoman.url}/jwks.json`,
      bound_issuer: dragoman.issuer,
    })
    await vault.administer('POST', 'auth/jwt/role/dragoman', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: [vault.url],
      bound_subject: dragoman.issuer,
      token_policies: ['dragoman'],
      token_ttl: '10m',
    })
    return async () => {
      await dragoman.stop()
      removeFolder(at)
    }
  }, 60_000)

  it('logs in with a JWT of our own issuer, which Vault checks by our keys', async () =>
    expect(await given(dragoman)).toEqual(holds))

  it('logs in again when its token is revoked', async () => {
    await vault.administer('POST', 'sys/leases/revoke-prefix/auth/jwt', {})
    await refusedWith(dragoman, 'nothing', 'answers with status 404')
  })

  it('has the version of the secret that is there when it starts, and keeps it while Vault is gone', async () => {
    await dragoman.stop()
    dragoman = await startDragoman(at, [], { options: options(), port: port.known })
    await write(vault, 'eu/acme', 'the-second-key')
    expect(await given(dragoman)).toEqual({ status: 200, authorization: 'Key the-second-key' })
    await vault.stop()
    await sleep(100)
    expect(await given(dragoman)).toEqual({ status: 200, authorization: 'Key the-second-key' })
    await refusedWith(dragoman, 'nothing', 'cannot be read')
  })

  it('writes no secret anywhere', () => {
    for (const secret of [secretOfAcme, 'the-second-key', vault.rootToken])
      expect(dragoman.output().includes(secret)).toBe(false)
  })
})
