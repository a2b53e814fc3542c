import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { outputOf } from '../command.ts'
import { type Issued, type KeyKind, type Names, type Profile, stemIn, type Toolkit, validityOf } from './toolkit.ts'

/** Certificates and revocation lists by the program `openssl`, its commands `genpkey`, `req` and `ca`. */

const rsa = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']

const ec = (curve: string) => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`]

const keyOptions: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa,
  rsaPss: rsa,
  p256: ec('P-256'),
  p384: ec('P-384'),
  p521: ec('P-521'),
  ed25519: ['-algorithm', 'ED25519'],
}

const signatureOptions = (kind: KeyKind): readonly string[] =>
  kind === 'rsaPss' ? ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'] : []

const nameTypes = { dns: 'DNS', email: 'email', uri: 'URI', ip: 'IP' } as const

/** A network of IPv4 with its mask in place of the length of its prefix; anything else as it is. */
const withMask = (value: string): string => {
  const [, address, length] = /^([\d.]+)\/(\d+)$/.exec(value) ?? []
  if (address === undefined) return value
  const octets = [0, 1, 2, 3].map((at) => 256 - 2 ** (8 - Math.min(Math.max(Number(length) - at * 8, 0), 8)))
  return `${address}/${octets.join('.')}`
}

const listed = (names: Names, before = ''): readonly string[] =>
  (['dns', 'email', 'uri', 'ip'] as const).flatMap((type) =>
    (names[type] ?? []).map((value) => `${before}${nameTypes[type]}:${withMask(value)}`),
  )

/** The extensions of RFC 5280 section 4.2 as `openssl ca` reads them. */
const extensionsOf = ({ authority, names = {}, purposes = [] }: Profile): readonly string[] => {
  const pathLength = authority?.pathLength === undefined ? '' : `,pathlen:${authority.pathLength}`
  const basic = authority === undefined ? 'CA:FALSE' : `CA:TRUE${pathLength}`
  const usage = authority === undefined ? 'digitalSignature' : 'keyCertSign,cRLSign'
  const subtrees = [
    ...listed(authority?.permitted ?? {}, 'permitted;'),
    ...listed(authority?.excluded ?? {}, 'excluded;'),
  ]
  const some = (name: string, values: readonly string[], before = '') =>
    values.length === 0 ? [] : [`${name} = ${before}${values.join(',')}`]
  return [
    `basicConstraints = critical,${basic}`,
    `keyUsage = critical,${usage}`,
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid',
    ...some('nameConstraints', subtrees, 'critical,'),
    ...some('subjectAltName', listed(names)),
    ...some(
      'extendedKeyUsage',
      purposes.map((purpose) => `${purpose}Auth`),
    ),
  ]
}

/** The settings of `openssl ca` for one authority, whose records lie beside its certificate. */
const configuration = (authority: string, folder: string, extensions: readonly string[]): string => `
[ca]
default_ca = authority
[authority]
database = ${authority}.index
crlnumber = ${authority}.crlnumber
new_certs_dir = ${folder}
rand_serial = yes
unique_subject = no
default_md = sha256
default_crl_days = 1
crl_extensions = crl_extensions
policy = any_subject
[any_subject]
commonName = supplied
[crl_extensions]
authorityKeyIdentifier = keyid
[extensions]
${extensions.join('\n')}
`

const stemOf = ({ certificate }: Issued): string => certificate.slice(0, -'.pem'.length)

/** As in `20261231235959Z`. */
const asn1Time = (at: Date): string => `${at.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`

const issue = async (folder: string, kind: KeyKind, profile: Profile, issuer?: Issued): Promise<Issued> => {
  const stem = stemIn(folder, profile)
  const own: Issued = { kind, certificate: `${stem}.pem`, key: `${stem}.key` }
  await outputOf('openssl', ['genpkey', ...keyOptions[kind], '-out', own.key])
  const request = ['-key', own.key, '-subj', `/CN=${profile.commonName}`, '-out', `${stem}.csr`]
  await outputOf('openssl', ['req', '-new', '-config', '/dev/null', ...request])
  const signer = issuer ?? own
  await writeFile(`${stem}.conf`, configuration(stemOf(signer), folder, extensionsOf(profile)))
  for (const record of ['index', 'crlnumber']) await appendFile(`${stemOf(signer)}.${record}`, '')
  const { from, until } = validityOf(profile)
  const by = issuer === undefined ? ['-selfsign'] : ['-cert', issuer.certificate]
  const dates = ['-startdate', asn1Time(from), '-enddate', asn1Time(until)]
  const files = ['-config', `${stem}.conf`, '-extensions', 'extensions', '-in', `${stem}.csr`, '-out', own.certificate]
  const sign = ['-keyfile', signer.key, ...by, ...dates, ...signatureOptions(signer.kind)]
  await outputOf('openssl', ['ca', '-batch', '-notext', ...files, ...sign])
  return own
}

const revoke = async (issuer: Issued, revoked: readonly Issued[]): Promise<string> => {
  const stem = stemOf(issuer)
  const config = `${stem}.crl.conf`
  await writeFile(config, configuration(stem, '.', []))
  if ((await readFile(`${stem}.crlnumber`, 'utf8')) === '') await writeFile(`${stem}.crlnumber`, '01\n')
  const authority = ['-config', config, '-keyfile', issuer.key, '-cert', issuer.certificate]
  for (const { certificate } of revoked) {
    await outputOf('openssl', ['ca', ...authority, '-revoke', certificate, '-crl_reason', 'keyCompromise'])
  }
  const list = `${stem}.crl`
  await outputOf('openssl', ['ca', ...authority, '-gencrl', '-out', list, ...signatureOptions(issuer.kind)])
  return list
}

export const openssl: Toolkit = { name: 'OpenSSL', issue, revoke }
