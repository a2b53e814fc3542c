import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { stringify } from 'yaml'
import { apiVersion } from '../formats/document-head.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseCertificate } from '../formats/x509/certificate.ts'
import { distinguishedName } from '../formats/x509/claims.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import { documentNameFrom } from './document-name.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { firstMapText } from './init-first-map.ts'

/** What a first trust map for a certificate authority is made from. */
export interface CaDraft {
  readonly name: string
  /** The PEM file with the authorities, beside the map. */
  readonly anchors: string
  readonly pem: string
  /** Their subjects, as RFC 4514 writes them. */
  readonly subjects: readonly string[]
  /** The URL of the JSON Schema, relative to the documents. */
  readonly schema: string
}

/**
 * Reads the authorities in the PEM file `path`.
 *
 * @throws CommandError when it is none, or not one of authorities
 */
export const draftFromCa = async (path: string, name: string | undefined, schema: string): Promise<CaDraft> => {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CommandError(`${path} cannot be read`, exitCodes.failure, { cause })
  })
  const own = name ?? nameFor(path)
  return { name: own, anchors: `${own}.pem`, pem, subjects: subjectsIn(pem, path), schema }
}

const nameFor = (path: string): string => documentNameFrom(basename(path).replace(/\.[a-z]+$/i, '')) || 'certificates'

const subjectsIn = (pem: string, path: string): readonly string[] => {
  try {
    const certificates = certificatesInPem(pem).map(parseCertificate)
    const other = certificates.find(({ extensions }) => extensions.basicConstraints?.ca !== true)
    if (other !== undefined)
      throw new CommandError(`${path} holds ${distinguishedName(other.subject)}, which is no authority`)
    return certificates.map(({ subject }) => distinguishedName(subject))
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new CommandError(`${path}: ${cause.message}; give PEM with the authority's certificate`, exitCodes.failure, {
      cause,
    })
  }
}

/** A TrustMap document that passes `check` as it is, and lets nobody in before it is edited. */
export const caMapText = ({ name, anchors, subjects, schema }: CaDraft): string =>
  firstMapText({
    name,
    schema,
    believes: subjects,
    source: [`x509: { trustAnchors: ${anchors} }`],
    when: '/san/dns: { contains: change-me.example.com }',
    decide: 'whose certificates may pass',
    identity: { type: 'workload', claim: '/san/dns/0', isToBeDecided: true },
  })

const now = '2026-12-01T12:00:00Z'

/** The test that goes with it: who passes, and that others do not. */
export const caTestText = ({ name, schema }: CaDraft): string => {
  const expired = { not_after: Date.parse(now) / 1_000 - 1 }
  const document = {
    apiVersion,
    kind: 'TrustMapTest',
    metadata: { name },
    spec: {
      now,
      fixtures: { certificate: { subject: { CN: 'change-me' }, san: { dns: ['change-me.example.com'] } } },
      tests: [
        {
          name: 'who is meant may pass',
          token: 'certificate',
          source: name,
          expect: { decision: 'allow', rule: 'first' },
        },
        {
          name: 'another may not',
          token: 'certificate',
          source: name,
          claims: { san: { dns: ['another.example.com'] } },
          expect: { decision: 'deny', reason: 'rule.none_matched' },
        },
        {
          name: 'nor one that has expired',
          token: 'certificate',
          source: name,
          claims: expired,
          expect: { decision: 'deny', reason: 'credential.expired' },
        },
      ],
    },
  }
  return `# yaml-language-server: $schema=${schema}
# Claims of certificates, and what must become of them. Keep it beside the map and let it grow with it.
${stringify(document, { lineWidth: 120 })}`
}
