import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { outputOf } from './command.ts'
import { type Certificates, host, makeCertificates } from './gateways/certificates.ts'
import { valuesOf } from './gateways/echo.ts'
import { askOverHttp2 } from './gateways/http2.ts'
import { type GatewayName, gatewayNames } from './gateways/names.ts'
import { type Scene, startScene } from './gateways/scene.ts'

/** What attackers send, through real gateways as their snippets configure them. */

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const folder = newFolder()
afterAll(() => removeFolder(folder))

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates(join(folder, 'certificates'))
})

const report = z.object({
  results: z.array(z.object({ probe: z.string(), result: z.string(), told: z.array(z.unknown()) })),
})

/** Does its snippet speak HTTP/2 to clients? */
const speaksHttp2 = (name: GatewayName): boolean => name !== 'nginx'

const spoofed = {
  'x-dragoman-subject': ['user:root', 'user:admin'],
  'x-dragoman-client': 'spoofed',
  'x-dragoman-rule': 'spoofed/spoofed',
  'x-dragoman-tenant': 'spoofed',
  'x-dragoman-txn': 'spoofed',
  'x.dragoman.subject': 'spoofed',
  'txn-token': 'spoofed',
  'x-forwarded-client-cert': 'Hash=spoofed',
  'client-cert': ':spoofed:',
  cookie: ['session=spoofed', 'other=spoofed'],
}

describe.each(gatewayNames)('%s', (name) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene(name, folder, certificates)
    return () => scene.stop()
  })

  const overHttp2 = async () => {
    const authorities = readFileSync(certificates.servers.certificate, 'utf8')
    const door = { port: scene.gateway.port, name: host, authorities }
    const good = { ':authority': host, ':path': '/v1/orders', authorization: `Bearer ${await scene.issuer.token()}` }
    scene.echo.arrivals()
    expect(await askOverHttp2(door, [{ ...good, ...spoofed }])).toEqual([200])
    const [arrival, ...others] = scene.echo.arrivals()
    if (arrival === undefined || others.length > 0) throw new Error('not one request arrived')
    expect(JSON.stringify(arrival)).not.toMatch(/spoofed|user:root|user:admin/)
    expect(valuesOf(arrival, 'x-dragoman-subject')).toEqual(['user:ada'])

    const refused = [
      { ':authority': host, ':path': '/v1/orders', ...spoofed },
      { ':authority': host, ':path': '/public/../admin/users', ...spoofed },
      { ':authority': host, ':path': '/v1/orders', 'x-forwarded-uri': '/public/prices' },
    ]
    for (const status of await askOverHttp2(door, refused)) expect([400, 401, 403]).toContain(status)
    expect(scene.echo.arrivals()).toEqual([])
  }
  if (speaksHttp2(name)) it('lets nothing made up through over HTTP/2', overHttp2)

  it('lets nothing of what `dragoman doctor gateway` tries through', async () => {
    writeFileSync(join(scene.folder, 'token'), await scene.issuer.token())
    await scene.echo.stop()
    const through = ['--upstream-port', String(scene.echo.port), '--connect', `127.0.0.1:${scene.gateway.port}`]
    const known = ['--ca', certificates.servers.certificate, '--token', `@${join(scene.folder, 'token')}`]
    const words = ['doctor', 'gateway', `https://${host}/v1`, ...through, ...known, '-o', 'json']
    const { results } = report.parse(JSON.parse(await outputOf(process.execPath, [main, ...words])))
    expect(results.filter(({ result }) => !['ok', 'refused'].includes(result))).toEqual([])
    expect(results.length).toBeGreaterThan(15)
  })
})
