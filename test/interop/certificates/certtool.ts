import { writeFile } from 'node:fs/promises'
import { outputOf } from '../command.ts'
import {
  chainPem,
  type Issued,
  type KeyKind,
  type Names,
  type Profile,
  stemIn,
  type Toolkit,
  validityOf,
} from './toolkit.ts'

/** Certificates and revocation lists by GnuTLS, its program `certtool`. */

const keyOptions: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ['--key-type', 'rsa', '--bits', '2048'],
  rsaPss: ['--key-type', 'rsa', '--bits', '2048'],
  p256: ['--key-type', 'ecdsa', '--curve', 'secp256r1'],
  p384: ['--key-type', 'ecdsa', '--curve', 'secp384r1'],
  p521: ['--key-type', 'ecdsa', '--curve', 'secp521r1'],
  ed25519: ['--key-type', 'ed25519'],
}

const hashes: Readonly<Record<KeyKind, string>> = {
  rsa: 'SHA256',
  rsaPss: 'SHA256',
  p256: 'SHA256',
  p384: 'SHA384',
  p521: 'SHA512',
  ed25519: 'SHA512',
}

const signatureOptions = (kind: KeyKind): readonly string[] => [
  '--hash',
  hashes[kind],
  ...(kind === 'rsaPss' ? ['--sign-params', 'rsa-pss'] : []),
]

const nameWords = { dns: 'dns_name', email: 'email', uri: 'uri', ip: 'ip_address' } as const

const subtreeWords = { dns: 'dns', email: 'email', uri: 'uri', ip: 'ip' } as const

const listed = (names: Names, words: typeof nameWords | typeof subtreeWords, before = ''): readonly string[] =>
  (['dns', 'email', 'uri', 'ip'] as const).flatMap((type) =>
    (names[type] ?? []).map((value) => `${before}${words[type]} = "${value}"`),
  )

/** As in `2026-12-31 23:59:59 UTC`. */
const time = (at: Date): string => `"${at.toISOString().slice(0, 19).replace('T', ' ')} UTC"`

/** What the certificate is to say, as a template of certtool. */
const templateOf = (profile: Profile): string => {
  const { commonName, authority, names = {}, purposes = [] } = profile
  const { from, until } = validityOf(profile)
  const roles =
    authority === undefined
      ? ['signing_key']
      : [
          'ca',
          'cert_signing_key',
          'crl_signing_key',
          ...(authority.pathLength === undefined ? [] : [`path_len = ${authority.pathLength}`]),
          ...listed(authority.permitted ?? {}, subtreeWords, 'nc_permit_'),
          ...listed(authority.excluded ?? {}, subtreeWords, 'nc_exclude_'),
        ]
  return [
    `cn = "${commonName}"`,
    `activation_date = ${time(from)}`,
    `expiration_date = ${time(until)}`,
    ...roles,
    ...listed(names, nameWords),
    ...purposes.map((purpose) => `tls_www_${purpose}`),
    '',
  ].join('\n')
}

const issuerOptions = ({ certificate, key }: Issued) => ['--load-ca-certificate', certificate, '--load-ca-privkey', key]

const issue = async (folder: string, kind: KeyKind, profile: Profile, issuer?: Issued): Promise<Issued> => {
  const stem = stemIn(folder, profile)
  const own: Issued = { kind, certificate: `${stem}.pem`, key: `${stem}.key` }
  await outputOf('certtool', ['--generate-privkey', ...keyOptions[kind], '--outfile', own.key])
  await writeFile(`${stem}.template`, templateOf(profile))
  const what = issuer === undefined ? ['--generate-self-signed'] : ['--generate-certificate', ...issuerOptions(issuer)]
  const files = ['--load-privkey', own.key, '--template', `${stem}.template`, '--outfile', own.certificate]
  await outputOf('certtool', [...what, ...files, ...signatureOptions((issuer ?? own).kind)])
  return own
}

const revoke = async (issuer: Issued, revoked: readonly Issued[]): Promise<string> => {
  const stem = issuer.certificate.slice(0, -'.pem'.length)
  const now = Date.now()
  const template = `crl_this_update_date = ${time(new Date(now - 60_000))}
crl_next_update_date = ${time(new Date(now + 86_400_000))}
crl_number = ${Math.floor(now / 1000)}
`
  await writeFile(`${stem}.crl.template`, template)
  // certtool reads all that it is to revoke from one file.
  await writeFile(`${stem}.revoked`, await chainPem(revoked))
  const certificates = revoked.length === 0 ? [] : ['--load-certificate', `${stem}.revoked`]
  const files = ['--template', `${stem}.crl.template`, '--outfile', `${stem}.crl`]
  const by = [...issuerOptions(issuer), ...signatureOptions(issuer.kind)]
  await outputOf('certtool', ['--generate-crl', ...by, ...certificates, ...files])
  return `${stem}.crl`
}

export const certtool: Toolkit = { name: 'certtool', issue, revoke }
