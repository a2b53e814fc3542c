import { describe, expect, it } from 'vitest'
import type { Claims } from '../domain/claims.ts'
import { authenticatedAs } from '../domain/client.ts'
import { proven } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace } from '../domain/trace.ts'
import { loadTrust } from '../trust.ts'
import { checkOidcClaims } from '../verify/oidc-claims.ts'
import { issuersOf, type OidcConfig, oidcSchema, type TokenForm } from '../verify/oidc-config.ts'
import { map } from './map.ts'
import { presets, withPreset } from './presets.ts'

const now = 1_790_000_000
const times = { iat: now - 10, nbf: now - 10, exp: now + 290 }

/** Tokens in the shape that each identity provider gives them, with other names and numbers. */
const recorded: readonly {
  readonly preset: string
  readonly settings: object
  readonly form: TokenForm
  readonly claims: Claims
  readonly subject: object
  readonly yields: string
  /** Changes after which the token is not acceptable any more. */
  readonly refused: readonly Claims[]
}[] = [
  {
    preset: 'entra-v2',
    settings: {
      tenants: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
      audiences: ['11112222-bbbb-3333-cccc-4444dddd5555'],
    },
    form: 'access_token',
    claims: {
      ...times,
      aud: '11112222-bbbb-3333-cccc-4444dddd5555',
      iss: 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
      aio: 'AXQAi/8T',
      azp: 'aaaabbbb-0000-cccc-1111-dddd2222eeee',
      azpacr: '1',
      name: 'Ada Example',
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      preferred_username: 'ada@acme.example',
      rh: '0.AXcA',
      roles: ['Employee'],
      scp: 'access_as_user',
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      tid: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      uti: 'fqiBqXLPj0eQa82S-IYFAA',
      ver: '2.0',
    },
    subject: { expression: "'user:' + claims.tid + ':' + claims.oid" },
    yields: 'user:72f988bf-86f1-41af-91ab-2d7cd011db47:00000000-0000-0000-66f3-3332eca7ea81',
    refused: [{ ver: '1.0' }, { ver: null }, { tid: '9188040d-6c67-4c5b-b112-36a304b66dad' }],
  },
  {
    preset: 'okta',
    settings: { issuer: 'https://acme.okta.com/oauth2/default', audiences: ['api://default'] },
    form: 'access_token',
    claims: {
      ...times,
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      iss: 'https://acme.okta.com/oauth2/default',
      aud: 'api://default',
      cid: '0oa1gjh63g214q0Hq0g4',
      uid: '00ugjs2WpUT4Y9h0h0h7',
      scp: ['openid', 'profile'],
      auth_time: now - 100,
      sub: 'ada@acme.example',
      groups: ['Everyone', 'Staff'],
    },
    subject: { claim: 'uid' },
    yields: '00ugjs2WpUT4Y9h0h0h7',
    refused: [{ aud: 'https://acme.okta.com' }],
  },
  {
    preset: 'auth0',
    settings: { issuer: 'https://acme.eu.auth0.com/', audiences: ['https://orders.example'] },
    form: 'access_token',
    claims: {
      ...times,
      iss: 'https://acme.eu.auth0.com/',
      sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
      aud: ['https://orders.example', 'https://acme.eu.auth0.com/userinfo'],
      azp: 'my_client_id',
      scope: 'openid profile read:orders',
      permissions: ['read:orders'],
      'https://acme.example/dept': 'it',
    },
    subject: { claim: 'sub' },
    yields: 'auth0|5f7c8ec7c33c6c004bbafe82',
    refused: [{ aud: ['https://acme.eu.auth0.com/userinfo'] }],
  },
  {
    preset: 'keycloak',
    settings: { issuer: 'https://sso.acme.example/realms/acme', audiences: ['dragoman'] },
    form: 'access_token',
    claims: {
      ...times,
      jti: 'onrtro:0d3f5ab2-7f13-4ab6-9d1f-d5a4f3b0c7f1',
      iss: 'https://sso.acme.example/realms/acme',
      aud: ['dragoman', 'account'],
      sub: 'f1b3c1d2-7a5e-4f9a-9a77-2f8f0b1d6c11',
      typ: 'Bearer',
      azp: 'web',
      sid: '6f0c3f9a-2f2c-4b0e-a5f6-7ce1b9f0d7c2',
      acr: '1',
      'allowed-origins': ['https://web.acme.example'],
      realm_access: { roles: ['offline_access', 'staff'] },
      resource_access: { account: { roles: ['view-profile'] } },
      scope: 'openid email profile',
      email_verified: true,
      preferred_username: 'ada',
    },
    subject: { claim: 'sub', prefix: 'user:' },
    yields: 'user:f1b3c1d2-7a5e-4f9a-9a77-2f8f0b1d6c11',
    refused: [{ typ: 'Refresh' }, { typ: 'Logout' }, { aud: 'account' }],
  },
  {
    preset: 'google',
    settings: { audiences: ['1234987819200.apps.googleusercontent.com'] },
    form: 'id_token',
    claims: {
      ...times,
      iss: 'https://accounts.google.com',
      azp: '1234987819200.apps.googleusercontent.com',
      aud: '1234987819200.apps.googleusercontent.com',
      sub: '10769150350006150715113082367',
      at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      hd: 'acme.example',
      email: 'ada@acme.example',
      email_verified: true,
      nonce: '0394852-3190485-2490358',
    },
    subject: { claim: 'sub', prefix: 'google:' },
    yields: 'google:10769150350006150715113082367',
    refused: [{ aud: 'other.apps.googleusercontent.com' }],
  },
  {
    preset: 'cognito',
    settings: {
      issuer: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example',
      audiences: ['xxxxxxxxxxxxexample'],
    },
    form: 'access_token',
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['staff'],
      iss: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example',
      client_id: 'xxxxxxxxxxxxexample',
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      event_id: '64f513be-32db-42b0-b78e-b02127b4f463',
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      auth_time: now - 10,
      exp: now + 290,
      iat: now - 10,
      jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      username: 'ada',
    },
    subject: { claim: 'sub' },
    yields: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    refused: [{ client_id: 'other' }, { token_use: 'refresh' }, { token_use: null }],
  },
  {
    preset: 'github-actions',
    settings: { audiences: ['https://dragoman.example.com'] },
    form: 'jwt',
    claims: {
      ...times,
      jti: 'example-id',
      sub: 'repo:octo-org/octo-repo:environment:prod',
      environment: 'prod',
      aud: 'https://dragoman.example.com',
      ref: 'refs/heads/main',
      sha: 'example-sha',
      repository: 'octo-org/octo-repo',
      repository_owner: 'octo-org',
      actor_id: '12',
      repository_visibility: 'private',
      repository_id: '74',
      repository_owner_id: '65',
      run_id: '6',
      runner_environment: 'github-hosted',
      actor: 'octocat',
      workflow: 'example-workflow',
      event_name: 'workflow_dispatch',
      ref_type: 'branch',
      job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
      iss: 'https://token.actions.githubusercontent.com',
    },
    subject: { claim: 'repository_id', prefix: 'ci:github:' },
    yields: 'ci:github:74',
    refused: [{ aud: 'https://github.com/octo-org' }, { exp: now + 7_200 }],
  },
  {
    preset: 'gitlab-ci',
    settings: { audiences: ['https://dragoman.example.com'] },
    form: 'id_token',
    claims: {
      ...times,
      namespace_id: '72',
      namespace_path: 'my-group',
      project_id: '20',
      project_path: 'my-group/my-project',
      user_id: '1',
      user_login: 'sample-user',
      pipeline_source: 'push',
      job_id: '302',
      ref: 'feature-branch-1',
      ref_type: 'branch',
      ref_protected: 'false',
      runner_environment: 'self-hosted',
      jti: '235b3a54-b797-45c7-ae9a-f72d7bc6ef5b',
      iss: 'https://gitlab.com',
      sub: 'project_path:my-group/my-project:ref_type:branch:ref:feature-branch-1',
      aud: 'https://dragoman.example.com',
    },
    subject: { claim: 'project_id', prefix: 'ci:gitlab:' },
    yields: 'ci:gitlab:20',
    refused: [{ aud: 'https://vault.example.com' }],
  },
  {
    preset: 'kubernetes',
    settings: { issuer: 'https://kubernetes.default.svc.cluster.local', audiences: ['dragoman'] },
    form: 'jwt',
    claims: {
      ...times,
      aud: ['dragoman'],
      iss: 'https://kubernetes.default.svc.cluster.local',
      jti: 'ea28ed49-2e11-4280-9ec5-bc3d1d84661a',
      'kubernetes.io': {
        namespace: 'kube-system',
        node: { name: '127.0.0.1', uid: '58456cb0-dd00-45ed-b797-5578fdceaced' },
        pod: { name: 'coredns-69cbfb9798-jv9gn', uid: '778a530c-b3f4-47c0-9cd5-ab018fb64f33' },
        serviceaccount: { name: 'coredns', uid: 'a087d5a0-e1dd-43ec-93ac-f13d89cd13af' },
        warnafter: now + 100,
      },
      sub: 'system:serviceaccount:kube-system:coredns',
    },
    subject: {
      expression: "'workload:' + claims['kubernetes.io'].namespace + ':' + claims['kubernetes.io'].serviceaccount.name",
    },
    yields: 'workload:kube-system:coredns',
    refused: [{ sub: 'admin' }, { 'kubernetes.io': null, sub: 'x' }, { exp: null }],
  },
]

const digest = { sha256: () => 'A'.repeat(43) }
const rights = { sources: ['**'], audiences: ['**'], scopes: ['**'] }
const client = authenticatedAs({ id: 'ci', method: 'private_key_jwt', rights })

const load = async ({ preset, settings, subject }: (typeof recorded)[number]) => {
  const spec = {
    source: { preset, oidc: settings },
    rules: [{ name: 'all', identity: { type: 'workload', subject }, grant: { audiences: ['https://orders.example'] } }],
  }
  const document = { apiVersion: 'dragoman/v1alpha1', kind: 'TrustMap', metadata: { name: preset }, spec }
  const files = [{ name: 'a.yaml', text: JSON.stringify(document) }]
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  const [trustMap] = trust?.maps ?? []
  if (trustMap === undefined) throw new Error(JSON.stringify(faults))
  return trustMap
}

type Outcome = { readonly subject: string } | { readonly refused: string }

/** What becomes of verified claims under a map made from a preset. */
const judge = async (one: (typeof recorded)[number], changes: Claims = {}): Promise<Outcome> => {
  const trustMap = await load(one)
  const config = oidcSchema.parse(
    withPreset(presets.get(one.preset)?.settings ?? {}, { ...one.settings }),
  ) satisfies OidcConfig
  expect(trustMap.source.config).toEqual(config)
  const claims = Object.fromEntries(Object.entries({ ...one.claims, ...changes }).filter(([, value]) => value !== null))
  try {
    const issuer = issuersOf(config).find((known) => known === claims['iss'])
    if (issuer === undefined) throw new Error('not an issuer of the preset')
    const header = { alg: 'RS256', typ: 'JWT', kid: 'k' }
    const accepted = checkOidcClaims(one.form, header, claims, config, now)
    const credential = proven({ kind: 'oidc', issuer, header, claims, ...accepted })
    const mapped = map(credential, trustMap, { client, request: {}, now, version: 'v' }, newTrace('r', now))
    return { subject: mapped.identity.subject.value }
  } catch (thrown) {
    if (thrown instanceof Refusal) return { refused: thrown.reason }
    throw thrown
  }
}

describe.each(recorded)('the preset $preset', (one) => {
  it('accepts a token of the shape that the provider gives it', async () => {
    expect(await judge(one)).toEqual({ subject: one.yields })
  })

  it.each(one.refused)('refuses it with %j', async (changes) => {
    expect(await judge(one, changes)).toHaveProperty('refused')
  })
})

describe('presets', () => {
  const ofTokens = [...presets].filter(([, { kind }]) => kind === 'oidc')

  it('for tokens are all recorded here', () => {
    expect(ofTokens.map(([name]) => name).toSorted()).toEqual(recorded.map(({ preset }) => preset).toSorted())
  })

  it('each say what they are', () => {
    for (const { description } of presets.values()) expect(description.length).toBeGreaterThan(40)
  })

  it('accept no algorithm that shares a secret', () => {
    for (const [, { settings }] of ofTokens) expect(JSON.stringify(settings['algorithms'])).not.toMatch(/HS|none/)
  })

  it("give way to the map's own settings, also where these say the same thing in another way", () => {
    const inherited = { issuerTemplate: 'https://x/{tid}', algorithms: ['RS256'], jwksURI: 'https://x/keys' }
    expect(withPreset(inherited, { issuer: 'https://y', jwksFile: 'keys.json' })).toEqual({
      issuer: 'https://y',
      algorithms: ['RS256'],
      jwksFile: 'keys.json',
    })
    expect(withPreset(inherited, { algorithms: ['ES256'] })).toEqual({ ...inherited, algorithms: ['ES256'] })
  })

  it("add the map's own attributes to theirs, and give way to those of the same alias", () => {
    const inherited = { attributes: { upn: 'a', groups: { name: 'b', list: true } } }
    expect(withPreset(inherited, { attributes: { groups: 'mine', team: 'c' } })).toEqual({
      attributes: { upn: 'a', groups: 'mine', team: 'c' },
    })
    expect(withPreset(inherited, {})).toEqual(inherited)
    expect(withPreset(inherited, { attributes: ['wrong'] })).toEqual({ attributes: ['wrong'] })
  })

  it('put their requirements before those of the map, and these name the preset', async () => {
    const [entra] = recorded
    if (entra === undefined) throw new Error('nothing recorded')
    const trustMap = await load(entra)
    expect(trustMap.requirements.map(({ path, text }) => [path, text])).toEqual([
      ['source.preset', 'ver = "2.0"'],
      ['source.preset', "claims.iss.endsWith('/' + claims.tid + '/v2.0')"],
    ])
  })
})
