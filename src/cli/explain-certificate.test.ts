import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type TestCertificate, testAuthority } from '../../test/world/certificates.ts'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'

const authority = testAuthority('Workloads')
const between = authority.subordinate('Between')

const explained = async (chain: readonly TestCertificate[], ...words: readonly string[]) => {
  const cwd = temporaryFolder()
  writeFileSync(
    join(cwd, 'workloads.yaml'),
    `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: workloads }
spec:
  source: { x509: { trustAnchors: ca.pem } }
  rules:
    - name: named
      when: { claims: { /san/dns: { contains: { glob: "*.acme.example" } } } }
      identity: { type: workload, subject: { claim: /subject/CN, prefix: "workload:" } }
      grant: { audiences: [https://orders.example] }
`,
  )
  writeFileSync(join(cwd, 'ca.pem'), authority.pem)
  writeFileSync(join(cwd, 'client.pem'), `${chain.map(({ pem }) => pem).join('\n')}\n`)
  return runProgram(['explain', '@client.pem', '--trust-maps', '.', ...words], { cwd })
}

it('walks a certificate in PEM through the journey', async () => {
  const leaf = between.issue({ subject: 'orders', dns: ['orders.acme.example'] })
  const { code, out } = await explained([leaf, between], '--audience', 'https://orders.example')
  expect(out).toContain('ok      verify        path: a path to an authority in ca.pem')
  expect(out).toContain('workload:orders')
  expect(code).toBe(0)
})

it('says why a path does not hold', async () => {
  const { code, out } = await explained([between.issue({ dns: ['orders.acme.example'] })])
  expect(out).toContain('issuer.unknown')
  expect(code).toBe(1)
  const late = authority.issue({ dns: ['orders.acme.example'], notAfter: Math.floor(Date.now() / 1_000) - 60 })
  const refused = await explained([late])
  expect(refused.out).toContain('refused  credential.expired')
  expect(refused.out).toContain('failed  verify        path')
})

it('says which condition of the rule did not hold', async () => {
  const { out } = await explained([authority.issue({ dns: ['orders.evil.example'] })], '--reveal')
  expect(out).toContain('refused  rule.none_matched')
  expect(out).toContain('orders.evil.example')
})
