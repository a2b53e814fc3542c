import { join } from 'node:path'
import { below, paths } from '../domain/endpoints.ts'
import type { PublicKey } from '../formats/x509/certificate-key.ts'
import { counted } from './faults.ts'
import type { CaDraft } from './init-ca.ts'
import type { MapDraft } from './init-documents.ts'
import { serviceAudience } from './init-first-map.ts'
import type { SamlDraft } from './init-saml.ts'
import { invocation, shellWord } from './terminal.ts'

/** What `dragoman init` says when it is done: what it wrote and what to do next, as commands to paste. */

export interface Written {
  readonly map: string
  readonly test: string
  readonly dir: string
}

export const caNextSteps = ({ name, anchors }: CaDraft, { map, test, dir }: Written): string => {
  const folder = shellWord(dir)
  return `wrote ${map} and ${test}, with the authority in ${join(dir, anchors)}

1. Decide the lines of ${map} that say so, and judge it:
     ${invocation} check ${folder} && ${invocation} test ${folder}
     ${invocation} explain @client.pem --trust-maps ${folder}
2. Say who may present these certificates: a Client with tls_client_auth that comes with its own, or a gateway that sees
   others' and has the right presentCertificates. Both are in docs/client-certificates.md; sources: [${name}]
3. Serve, asking for client certificates:
     ${invocation} keys generate
     ${invocation} serve --issuer ${ourIssuer} --trust-maps ${folder} \\
       --tls-cert listener.pem --tls-key listener.key --client-ca any`
}

const ourIssuer = 'https://dragoman.example.com'

/** How a deployment of the documents in `dir` is judged and started; plain http is for development only. */
const deploymentOf = (isPlain: boolean, dir: string) => {
  const folder = shellWord(dir)
  return isPlain
    ? {
        url: 'http://127.0.0.1:8693',
        judged: `${folder} --insecure-loopback`,
        serving: `Serve; plain http is for development only:
     ${invocation} dev --no-demo --trust-maps ${folder}`,
      }
    : {
        url: ourIssuer,
        judged: folder,
        serving: `Serve:
     ${invocation} keys generate
     ${invocation} serve --issuer ${ourIssuer} --trust-maps ${folder}`,
      }
}

const judging = (map: string, judged: string): string => `Decide the lines of ${map} that say so, and judge it:
     ${invocation} check ${judged} && ${invocation} test ${judged}`

const letIn = (name: string, dir: string): string => `Let a caller in; its secret appears once, in your terminal:
     ${invocation} secret --client my-service --source ${name} --audience ${serviceAudience} > ${shellWord(join(dir, 'my-service.yaml'))}`

const exchange = (
  url: string,
  type: string,
  token: string,
): string => `curl -s -u my-service:SECRET ${below(url, paths.token)} \\
       -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
       -d subject_token_type=urn:ietf:params:oauth:token-type:${type} \\
       -d subject_token=${token} -d audience=${serviceAudience}`

export const issuerNextSteps = ({ name, issuer, audience, profile }: MapDraft, { map, test, dir }: Written): string => {
  const { url, judged, serving } = deploymentOf(new URL(issuer).protocol === 'http:', dir)
  return `wrote ${map} and ${test}${byPreset(profile.preset)}

1. ${judging(map, judged)}
2. ${letIn(name, dir)}
3. ${serving}
4. Exchange a token of ${issuer} for ${audience}:
     ${exchange(url, 'id_token', '"$TOKEN"')}
   If it is refused, ask why:
     printenv TOKEN | ${invocation} explain --trust-maps ${judged}`
}

const byPreset = (preset: string | undefined): string => (preset === undefined ? '' : `, by the preset ${preset}`)

export const samlNextSteps = (draft: SamlDraft, { map, test, dir }: Written): string => {
  const { name, entityID, audience, profile, place } = draft
  const isPlain = 'metadataURL' in place && new URL(place.metadataURL).protocol === 'http:'
  const { url, judged, serving } = deploymentOf(isPlain, dir)
  const copied = 'metadataFile' in place ? `, with the metadata in ${join(dir, place.metadataFile)}` : ''
  return `wrote ${map} and ${test}${copied}${byPreset(profile.preset)}
${findings(draft)
  .map((line) => `\n  ${line}`)
  .join('')}

1. At the identity provider, register ${audience} as the audience (entity ID), and
   ${below(url, paths.token)} as where assertions go (ACS URL, Recipient); or let the map say which
   \`recipient\` they have. The provider must sign the assertion itself, not only the response around it.
2. ${judging(map, judged)}
3. ${letIn(name, dir)}
4. ${serving}
5. Exchange an assertion of ${entityID}, alone and in base64url:
     ${exchange(url, 'saml2', `"$(openssl base64 -A -in assertion.xml | tr '+/' '-_' | tr -d =)"`)}
   If it is refused, ask why; a whole response will do:
     ${invocation} explain @response.xml --issuer ${url} --trust-maps ${judged}`
}

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'

/** What the metadata says that somebody must know. */
const findings = ({ entityID, provider, profile, others }: SamlDraft): readonly string[] => {
  const { keys, unusableKeys, validUntil, nameIdFormats } = provider
  return [
    `${entityID} signs with ${keys.map(keyText).join(', ')}`,
    ...(unusableKeys === 0
      ? []
      : [
          `${counted(unusableKeys, 'key')} in the metadata cannot be used here: too weak, or not in a sound certificate`,
        ]),
    ...(Number.isFinite(validUntil)
      ? [`the metadata is valid until ${new Date(validUntil * 1_000).toISOString()}`]
      : []),
    ...(others === 0
      ? []
      : [`the metadata describes ${others} more: who publishes it can speak for all, so set metadataCertificates`]),
    ...(profile.subject === 'sub' && nameIdFormats.includes(transient)
      ? [
          'its NameID (sub) may be transient, another one at each login: ask it for a persistent one, or take another claim',
        ]
      : []),
  ]
}

const keyText = ({ kind }: PublicKey): string => {
  if (kind.kind === 'rsa') return `RSA with ${kind.bits} bits`
  return kind.kind === 'ec' ? `ECDSA on ${kind.curve}` : kind.kind
}
