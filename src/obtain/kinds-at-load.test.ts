import { describe, expect, it } from 'vitest'
import { partner } from '../../test/http/egress-world.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'

/** What is wrong with a credential's keys is said when documents are loaded, by the key, with the fix. */

const faultsOf = async (credential: object) => {
  const text = JSON.stringify(partner('one', credential))
  const { faults } = await loadTrust([{ name: '0.yaml', text }], {
    world: 'serve',
    insecureLoopback: false,
    digest: createNodeDigest(),
  })
  return faults.map(({ path, message, fix }) =>
    [path.replace(/^spec\.credential\.?/, ''), message, fix ?? ''].join('|'),
  )
}

const key = { env: 'KEY' }
const tokenEndpoint = 'https://as.partner.example/token'
const assertion = { issuer: 'c', subject: 's', key }
const jwtBearer = { type: 'jwt-bearer', tokenEndpoint }
const from = { type: 'api-key', value: key }
const signedJwt = { type: 'signed-jwt', key }
const snowflake = { ...signedJwt, preset: 'snowflake', account: 'a', user: 'u' }
const github = { type: 'github-app', app: '1', installation: '2', key }
const provider = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/d'
const google = { type: 'google-sts', provider, subject: 's' }
const entra = { type: 'entra-federated', tenant: 't', clientId: 'c', resource: 'https://r.example', subject: 's' }
const saml = {
  type: 'saml-bearer',
  tokenEndpoint,
  assertion: { issuer: 'i', subject: 's', audience: 'a', key },
}

describe('a good credential', () => {
  it.each([
    { ...jwtBearer, assertion },
    { ...jwtBearer, assertion: { subject: { identity: 'subject' } } },
    { ...jwtBearer, from },
    { ...jwtBearer, preset: 'salesforce', from },
    { type: 'jwt-bearer', preset: 'google-service-account', assertion: { issuer: 'i', key } },
    { ...signedJwt, issuer: 'i' },
    snowflake,
    github,
    google,
    { ...google, subject: undefined, from },
    entra,
    saml,
    { type: 'basic', username: 'üser', password: key },
    { type: 'self' },
  ])('has no fault: %j', async (credential) => {
    expect(await faultsOf(credential)).toEqual([])
  })
})

describe('a fault is found', () => {
  it.each([
    [{ ...jwtBearer }, 'assertion|needs exactly one of assertion and from|assertion: { … }'],
    [{ ...jwtBearer, assertion, from }, 'assertion|needs exactly one of assertion and from|assertion: { … }'],
    [{ type: 'jwt-bearer', assertion }, 'tokenEndpoint|must be https: secrets go there|https://…'],
    [
      { ...jwtBearer, tokenEndpoint: 'http://as.partner.example/token', assertion },
      'tokenEndpoint|must be https: secrets go there|https://…',
    ],
    [{ ...jwtBearer, assertion: { key } }, 'assertion.issuer|is missing: the partner knows the key by it|issuer: …'],
    [
      { ...jwtBearer, assertion: { issuer: 'c', subject: 's' } },
      'assertion.issuer|without key the issuer is ours|leave it out, or add key',
    ],
    [{ ...jwtBearer, assertion: {} }, 'assertion.subject|is missing|subject: { identity: subject }'],
    [
      { ...jwtBearer, preset: 'docusign', from },
      'preset|has the scopes stand in the assertion, which from makes|leave it out',
    ],
    [{ ...jwtBearer, assertion: { ...assertion, claims: { exp: 1 } } }, /^assertion\.claims\.exp\|.*has its own key/],
    [{ ...jwtBearer, assertion, params: { assertion: 'x' } }, /^params\.assertion\|.*has a place of its own/],
    [
      { ...jwtBearer, perIdentity: false, assertion: { subject: { identity: 'subject' } } },
      /^perIdentity\|the credential says who the identity is/,
    ],
    [{ ...signedJwt }, 'issuer|is missing|issuer: …'],
    [{ ...signedJwt, issuer: 'i', user: 'u' }, /^account\|account and user are of the preset snowflake/],
    [{ ...signedJwt, issuer: 'i', ttl: '2h' }, /^ttl\|.*between 30s and 1h/],
    [{ ...signedJwt, issuer: 'i', algorithm: 'none' }, /^algorithm\|/],
    [{ ...signedJwt, issuer: 'i', algorithm: 'HS256' }, /^algorithm\|/],
    [{ ...snowflake, account: undefined }, 'account|is missing|account: ORG-ACCOUNT'],
    [{ ...snowflake, user: undefined }, 'user|is missing|user: SERVICE_USER'],
    [{ ...snowflake, issuer: 'i' }, 'issuer|is made of account, user and key|leave it out'],
    [{ ...snowflake, subject: 's' }, 'subject|is made of account, user and key|leave it out'],
    [{ ...github, installation: '../../user' }, /^installation\|.*the number of an installation/],
    [{ ...github, repositories: ['a'], repositoryIds: [1] }, /^repositoryIds\|name repositories by name or by id/],
    [{ ...github, permissions: { contents: 'all' } }, /^permissions\.contents\|/],
    [{ ...github, api: 'http://ghe.example/api/v3' }, 'api|must be https: secrets go there|https://…'],
    [{ ...google, provider: '//iam.googleapis.com/projects/1' }, /^provider\|.*full name of a workload identity/],
    [{ ...google, from }, 'subject|needs exactly one of subject and from|subject: { identity: subject }'],
    [{ ...google, subject: undefined }, /^subject\|needs exactly one of subject and from/],
    [{ ...google, serviceAccount: '../x:signJwt' }, /^serviceAccount\|/],
    [{ ...google, stsEndpoint: 'http://sts.example/' }, 'stsEndpoint|must be https: secrets go there|https://…'],
    [{ ...entra, tenant: 'a/../b' }, /^tenant\|.*the tenant id or a verified domain/],
    [{ ...entra, authority: 'http://login.example' }, 'authority|must be https: secrets go there|https://…'],
    [{ ...saml, encoding: 'hex' }, /^encoding\|/],
    [{ type: 'basic', username: 'a:b', password: key }, /^username\|.*no colon and no control characters/],
    [{ type: 'basic', username: 'a\nb', password: key }, /^username\|.*no colon and no control characters/],
    [{ type: 'basic', username: 'a', password: 'secret' }, /^password\|/],
    [{ type: 'api-key', value: [key, key, key] }, /^value\|/],
  ])('%j', async (credential, fault) => {
    const faults = await faultsOf(credential)
    expect(faults).toEqual([typeof fault === 'string' ? fault : expect.stringMatching(fault)])
  })
})
