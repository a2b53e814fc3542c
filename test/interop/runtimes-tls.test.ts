import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testAuthority } from '../world/certificates.ts'
import { type Document, trustMap } from '../world/documents.ts'
import { newFolder, removeFolder, startDragoman } from '../world/dragoman.ts'
import { postForm } from '../world/tls-call.ts'
import { client } from './dragoman/documents.ts'
import { servers } from './runtimes/servers.ts'

/** Mutual TLS on Node, Deno and Bun: where certificates of clients are not shown, none is asked for. */

const authority = testAuthority('Servers')
const workloads = testAuthority('Workloads')
const listener = authority.issue({ subject: '127.0.0.1', ips: [Buffer.from([127, 0, 0, 1])] })
const certificate = workloads.issue({ subject: 'orders', dns: ['orders.workloads.example'] })
const identity = { cert: certificate.pem, key: certificate.privateKeyPem }

const documents: readonly Document[] = [
  trustMap('workloads', {
    source: { x509: { trustAnchors: 'workloads.pem' } },
    rules: [
      {
        name: 'all',
        identity: { type: 'workload', subject: { claim: '/subject/CN', prefix: 'workload:' } },
        grant: { audiences: ['https://orders.internal.example'], senderConstraint: 'mtls' },
      },
    ],
  }),
  client(
    'orders',
    'orders',
    [{ method: 'tls_client_auth', trustAnchors: 'workloads.pem', sanDNS: 'orders.workloads.example' }],
    { sources: ['workloads'] },
  ),
]

const form = {
  client_id: 'orders',
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: certificate.pem,
  subject_token_type: 'urn:dragoman:token-type:x509-chain',
  audience: 'https://orders.internal.example',
}

const start = async (folder: string, program: readonly [string, ...string[]]) => {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  file('maps/workloads.pem', workloads.pem)
  const cert = file('listener.pem', listener.pem)
  const key = file('listener.key', listener.privateKeyPem)
  const options = ['--tls-cert', cert, '--tls-key', key, '--client-ca', 'any', '--issuer', 'https://dragoman.example']
  return startDragoman(folder, documents, { program, options })
}

describe.each(servers)('mutual TLS on %s', (name, programFor) => {
  it(name === 'bun' ? 'is refused at the start, by name' : 'tells who the caller is', async () => {
    const folder = newFolder()
    try {
      const starting = start(folder, programFor())
      if (name === 'bun') return await expect(starting).rejects.toThrow(/Bun does not show the certificates of clients/)
      const dragoman = await starting
      try {
        const token = `${dragoman.url}/token`
        expect(await postForm(token, form, { ca: authority.pem, identity })).toMatchObject({ status: 200 })
        expect(await postForm(token, form, { ca: authority.pem })).toMatchObject({ status: 401 })
      } finally {
        await dragoman.stop()
      }
    } finally {
      removeFolder(folder)
    }
  }, 60_000)
})
