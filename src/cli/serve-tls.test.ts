import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { type TestCertificate, testAuthority } from '../../test/world/certificates.ts'
import { runProgram, startProgram, temporaryFolder } from '../../test/world/program.ts'
import { postForm } from '../../test/world/tls-call.ts'
import { newStoredKey } from '../mint/stored-key.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { writeKey } from '../runtimes/node/key-folder.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'

const authority = testAuthority('Servers')
const clients = testAuthority('Workloads')
const newListener = (days: number) =>
  authority.issue({ subject: '127.0.0.1', ips: [Buffer.from([127, 0, 0, 1])], days })

const home = async (listener: TestCertificate): Promise<string> => {
  const cwd = temporaryFolder()
  const folder = join(cwd, 'trust-maps')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'workloads.yaml'),
    `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: workloads }
spec:
  source: { x509: { trustAnchors: workloads.pem } }
  rules:
    - name: all
      identity: { type: workload, subject: { claim: /subject/CN, prefix: "workload:" } }
      grant: { audiences: [https://orders.example], senderConstraint: mtls }
---
apiVersion: dragoman/v1alpha1
kind: Client
metadata: { name: orders }
spec:
  authentication: [{ method: tls_client_auth, trustAnchors: workloads.pem, sanDNS: orders.workloads.example }]
  may: { sources: [workloads], audiences: [https://orders.example] }
`,
  )
  writeFileSync(join(folder, 'workloads.pem'), clients.pem)
  writeFileSync(join(cwd, 'listener.pem'), listener.pem)
  writeFileSync(join(cwd, 'listener.key'), listener.privateKeyPem)
  const ports = { signatures: createNodeSignatures(), digest: createNodeDigest() }
  await writeKey(join(cwd, 'keys'), { ...(await newStoredKey('ES256', 0, ports)), activeFrom: 0 })
  return cwd
}

const tls = ['--tls-cert', 'listener.pem', '--tls-key', 'listener.key', '--client-ca', 'any']
const words = ['--issuer', 'https://dragoman.example', '--port', '0', '--audit', 'none', ...tls]

const serialShownBy = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.pem }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.end()
    })
    socket.on('error', reject)
  })

it('speaks mutual TLS, exchanges the certificate of the connection, and renews its own without a restart', async () => {
  const cwd = await home(newListener(1))
  const program = startProgram(['serve', ...words], { cwd })
  const [, url = ''] = await program.said(/dragoman: listening on (https:\/\/\S+) /)
  const certificate = clients.issue({ subject: 'orders', dns: ['orders.workloads.example'] })
  const form = {
    client_id: 'orders',
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: certificate.pem,
    subject_token_type: 'urn:dragoman:token-type:x509-chain',
    audience: 'https://orders.example',
  }
  const identity = { cert: certificate.pem, key: certificate.privateKeyPem }
  const answer = await postForm(`${url}/token`, form, { ca: authority.pem, identity })
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
  expect(await postForm(`${url}/token`, form, { ca: authority.pem })).toMatchObject({ status: 401 })

  const port = Number(new URL(url).port)
  const first = await serialShownBy(port)
  const next = newListener(2)
  writeFileSync(join(cwd, 'listener.key'), next.privateKeyPem)
  await program.said(/certificate of the listener stays as it was/)
  expect(await serialShownBy(port)).toBe(first)
  writeFileSync(join(cwd, 'listener.pem'), next.pem)
  await program.said(/certificate of the listener has changed/)
  expect(await serialShownBy(port)).not.toBe(first)
  await program.stop()
}, 30_000)

it.each([
  [['--tls-cert', 'listener.pem'], 2, /--tls-cert and --tls-key go together/],
  [['--client-ca', 'any'], 2, /--tls-cert and --tls-key go together/],
  [['--tls-cert', 'nothing.pem', '--tls-key', 'listener.key'], 1, /nothing\.pem cannot be read/],
  [['--tls-cert', 'listener.key', '--tls-key', 'listener.key'], 1, /listener\.key holds no PEM block of CERTIFICATE/],
  [['--trust-domain', 'spiffe://prod.example'], 2, /without spiffe:\/\//],
])('says what is wrong with %j', async (own, code, message) => {
  const cwd = await home(newListener(1))
  const ended = await runProgram(['serve', '--issuer', 'https://dragoman.example', '--port', '0', ...own], { cwd })
  expect({ code: ended.code, told: message.test(ended.err) }).toEqual({ code, told: true })
})
