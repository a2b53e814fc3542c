/** Where a Redis or Valkey is: one server, a cluster, or the sentinels that know which server is the master. */
export interface RedisLocation {
  readonly topology: 'standalone' | 'cluster' | 'sentinel'
  readonly nodes: readonly [RedisNode, ...RedisNode[]]
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  /** Of the master, by which sentinels know it. */
  readonly masterName?: string
  readonly database: number
  /** How many replicas must have what is written before it counts: who takes the master's place must know it. */
  readonly replicas: number
}

export interface RedisNode {
  readonly host: string
  readonly port: number
}

const schemes = {
  redis: ['standalone', false],
  rediss: ['standalone', true],
  valkey: ['standalone', false],
  valkeys: ['standalone', true],
  'redis+cluster': ['cluster', false],
  'rediss+cluster': ['cluster', true],
  'redis+sentinel': ['sentinel', false],
  'rediss+sentinel': ['sentinel', true],
} as const

/** Is it the location of a Redis, rather than of something else? */
export const isRedisLocation = (text: string): boolean => Object.hasOwn(schemes, schemeOf(text))

const schemeOf = (text: string): string => /^([a-z+]+):\/\//.exec(text)?.[1] ?? ''

const grammar = /^[a-z+]+:\/\/(?:([^@/:]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?replicas=([0-9]))?$/
/** Where another server takes the place of one that is lost, unasked. */
const usualReplicas = { standalone: 0, cluster: 0, sentinel: 1 } as const
const usualPorts = { standalone: 6379, cluster: 6379, sentinel: 26379 } as const

/**
 * Reads `redis://[user:password@]host[:port][/database]`, `rediss://` with TLS, `redis+cluster://host[:port],…`, and
 * `redis+sentinel://host[:port],…/master`, each with `?replicas=N` where replicas must have what is written; `valkey://` is
 * the same as `redis://`.
 *
 * @throws Error that says what is wrong and quotes nothing
 */
export const redisLocation = (text: string): RedisLocation => {
  const [topology, tls] = schemes[schemeOf(text) as keyof typeof schemes]
  const [, username = '', password, hosts = '', path = '', replicas] = grammar.exec(text) ?? []
  if (hosts === '') throw wrong('names no host')
  const [first = '', ...others] = hosts.split(',')
  const node = (host: string) => nodeIn(host, usualPorts[topology])
  if (topology === 'standalone' && others.length > 0)
    throw wrong('names several hosts: redis+cluster or redis+sentinel')
  if (topology === 'sentinel' && path === '') throw wrong('names no master: redis+sentinel://HOST,HOST/MASTER')
  return {
    topology,
    tls,
    nodes: [node(first), ...others.map(node)],
    ...(username === '' ? {} : { username: unescaped(username) }),
    ...(password === undefined ? {} : { password: unescaped(password) }),
    ...(topology === 'sentinel' ? { masterName: unescaped(path) } : {}),
    database: topology === 'standalone' ? databaseIn(path) : 0,
    replicas: replicas === undefined ? usualReplicas[topology] : Number(replicas),
  }
}

const wrong = (what: string) => new Error(`the location of the state ${what}`)

const nodeIn = (text: string, usualPort: number): RedisNode => {
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(text) ?? []
  if (host === undefined || Number(port ?? usualPort) > 65_535) throw wrong('has a host that is none')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? usualPort) }
}

const databaseIn = (path: string): number => {
  if (!/^[0-9]{0,5}$/.test(path)) throw wrong('has a path that is not the number of a database')
  return Number(path)
}

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('has escapes that are none')
  }
}

/** For people: where it is, without who we are there. */
export const redisName = ({ nodes }: RedisLocation): string =>
  nodes.map(({ host, port }) => `${host}:${port}`).join(',')
