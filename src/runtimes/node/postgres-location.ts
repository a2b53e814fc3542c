/** Where a PostgreSQL is, and who we are there. What is not said is what libpq's environment says (PGUSER, PGPASSWORD, …). */
export interface PostgresLocation {
  readonly host: string
  readonly port: number
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly tls: boolean
  /** The file with the authorities that its certificate must lead to; those of the platform without one. */
  readonly authorities?: string
}

/** Is it the location of a PostgreSQL, rather than of something else? */
export const isPostgresLocation = (text: string): boolean => /^postgres(?:ql)?:\/\//.test(text)

const usualPort = 5432

/** Whoever asks for TLS at all is asked for a certificate: without one anybody could be the server. */
const modes: Readonly<Record<string, boolean>> = { disable: false, require: true, 'verify-full': true }

const known: ReadonlySet<string> = new Set(['sslmode', 'sslrootcert'])

/**
 * Reads `postgres://[user[:password]@]host[:port][/database][?sslmode=disable|require|verify-full][&sslrootcert=FILE]`. No other
 * parameter is taken: some of the driver's would take the place of our own settings, such as how long to wait.
 *
 * @throws Error that says what is wrong and quotes nothing
 */
export const postgresLocation = (text: string): PostgresLocation => {
  if (!isPostgresLocation(text) || !URL.canParse(text)) throw wrong('is no URL of a PostgreSQL')
  const { hostname, port, username, password, pathname, searchParams, hash } = new URL(text)
  if (hostname === '') throw wrong('names no host')
  if (hash !== '') throw wrong('has a # that is not escaped')
  const [user, secret, database] = [username, password, pathname.slice(1)].map(unescaped)
  const authorities = searchParams.get('sslrootcert')
  return {
    host: unescaped(hostname).replace(/^\[|\]$/g, ''),
    port: port === '' ? usualPort : Number(port),
    ...(user ? { user } : {}),
    ...(secret ? { password: secret } : {}),
    ...(database ? { database } : {}),
    tls: tlsIn(searchParams),
    ...(authorities === null ? {} : { authorities }),
  }
}

const wrong = (what: string) => new Error(`the location of the state ${what}`)

const tlsIn = (parameters: URLSearchParams): boolean => {
  if ([...parameters.keys()].some((name) => !known.has(name))) {
    throw wrong('has a parameter other than sslmode and sslrootcert')
  }
  const mode = parameters.get('sslmode') ?? (parameters.has('sslrootcert') ? 'verify-full' : 'disable')
  const tls = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (tls === undefined) throw wrong('has an sslmode that is not disable, require or verify-full')
  if (!tls && parameters.has('sslrootcert')) throw wrong('has an sslrootcert, and an sslmode that makes no use of it')
  return tls
}

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('has escapes that are none')
  }
}

/** For people: where it is, without who we are there. */
export const postgresName = ({ host, port, database }: PostgresLocation): string =>
  `${host}:${port}${database === undefined ? '' : `/${database}`}`
