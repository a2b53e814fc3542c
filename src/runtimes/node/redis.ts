import { createClient, createCluster, createSentinel } from '@redis/client'
import type { Log } from '../../ports/log.ts'
import type { RedisDatabase, RedisReply } from '../../stores/redis.ts'
import { type RedisLocation, redisLocation, redisName } from './redis-location.ts'

/** A Redis or Valkey that is connected. */
export interface OpenRedis extends RedisDatabase {
  close(): Promise<void>
}

/** After so long without an answer there is none, in milliseconds. */
const patience = 2_000

/** How a connection of any topology is used. */
interface Connected {
  /** Runs the commands over one connection, one right after the other. */
  send(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>
  close(): Promise<void>
}

/**
 * Connects, and sees to it that what is claimed there is neither pushed out nor forgotten by a restart. A command is
 * never kept for later: while there is no connection it fails at once.
 *
 * @throws Error that says what is wrong, and nothing of the password
 */
export const openRedis = async (text: string, log: Log): Promise<OpenRedis> => {
  const location = redisLocation(text)
  const name = redisName(location)
  const connected = await inTime(connect(location, log)).catch((cause: unknown) => {
    throw new Error(`the state at ${name} cannot be reached: ${messageOf(cause)}`, { cause })
  })
  const run = runner(connected, location)
  try {
    await requireLasting(run, name, log)
  } catch (cause) {
    await connected.close()
    throw new Error(`the state at ${name} cannot be used: ${messageOf(cause)}`, { cause })
  }
  return { run, close: () => connected.close() }
}

/** Some clients of the library write what they were told into their errors; its own messages are short. */
const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message.slice(0, 200) : 'no reason given')

const runner = (connected: Connected, { replicas, topology }: RedisLocation): RedisDatabase['run'] => {
  const alone: Send = async (key, words) => (await inTime(connected.send(key, [words])))[0]
  const known = topology === 'cluster' ? knownEach(connected, replicas) : knownTogether(connected, replicas)
  return async (key, ...words) => {
    const isSettled = replicas === 0 || reading.has(words[0])
    return replyOf(await (isSettled ? alone : known)(key, words))
  }
}

type Send = (key: string, words: readonly string[]) => Promise<unknown>

/** What only reads: whatever else is done must be known to as many replicas before it counts. */
const reading: ReadonlySet<string> = new Set(['GET', 'CONFIG'])

/** Asks how many replicas know what was sent before over the same connection. */
const wait = (replicas: number): readonly string[] => ['WAIT', String(replicas), String(patience / 2)]

const requireKnown = (known: unknown, replicas: number): void => {
  if (typeof known !== 'number' || known < replicas) throw new Error('too few replicas have what was written')
}

/** Each command by itself, since each may be for another server. */
const knownEach =
  (connected: Connected, replicas: number): Send =>
  async (key, words) => {
    const [reply, known] = await inTime(connected.send(key, [words, wait(replicas)]))
    requireKnown(known, replicas)
    return reply
  }

/** All commands that come while replicas are waited for are sent together, and are waited for together. */
const knownTogether = (connected: Connected, replicas: number): Send => {
  let next: { readonly commands: (readonly string[])[]; readonly replies: Promise<readonly unknown[]> } | undefined
  let before: Promise<unknown> = Promise.resolve()
  const batchAfter = async (commands: readonly (readonly string[])[]) => {
    await before.catch(() => undefined)
    next = undefined
    const replies = await inTime(connected.send('', [...commands, wait(replicas)]))
    requireKnown(replies.at(-1), replicas)
    return replies
  }
  return async (_key, words) => {
    if (next === undefined) {
      const commands: (readonly string[])[] = []
      const replies = batchAfter(commands)
      next = { commands, replies }
      before = replies
    }
    const at = next.commands.push(words) - 1
    return (await next.replies)[at]
  }
}

const inTime = <T>(work: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the store does not answer in time')), patience)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

const connect = (location: RedisLocation, log: Log): Promise<Connected> => {
  if (location.topology === 'cluster') return connectCluster(location, log)
  return location.topology === 'sentinel' ? connectSentinel(location, log) : connectServer(location, log)
}

/** Who cannot be reached at the start is not tried again: the start fails and says why. */
const again = (hasBeen: { connected: boolean }) => (_retries: number, cause: Error) =>
  hasBeen.connected ? pause : cause

/** Between attempts to connect anew, in milliseconds. */
const pause = 250

const optionsOf = ({ tls, username, password }: RedisLocation, hasBeen: { connected: boolean }) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  disableOfflineQueue: true,
  RESP: 2 as const,
  // A server that hangs is noticed by the pings that it does not answer, and connected to anew.
  pingInterval: patience / 2,
  socket: {
    connectTimeout: patience,
    socketTimeout: patience,
    reconnectStrategy: again(hasBeen),
    ...(tls ? { tls } : {}),
  },
})

/** While it is away every command fails; the first of these is told, and that it is back. */
const watched = (log: Log, name: string, hasBeen: { readonly connected: boolean }) => {
  let isAway = false
  return {
    error: (cause: unknown): void => {
      if (!hasBeen.connected) return
      if (!isAway) log.warn('the connection to the state is lost', { state: name, because: messageOf(cause) })
      isAway = true
    },
    ready: (): void => {
      if (isAway) log.info('the connection to the state is back', { state: name })
      isAway = false
    },
  }
}

const connectServer = async (location: RedisLocation, log: Log): Promise<Connected> => {
  const { nodes, database } = location
  const [{ host, port }] = nodes
  const hasBeen = { connected: false }
  const { socket, ...options } = optionsOf(location, hasBeen)
  const client = createClient({ ...options, database, socket: { ...socket, host, port } })
  const { error, ready } = watched(log, redisName(location), hasBeen)
  client.on('error', error).on('ready', ready)
  await connectOrEnd(client, hasBeen)
  return {
    send: (_key, commands) => Promise.all(commands.map((words) => client.sendCommand(words))),
    close: async () => client.destroy(),
  }
}

const connectCluster = async (location: RedisLocation, log: Log): Promise<Connected> => {
  const hasBeen = { connected: false }
  const { socket, ...options } = optionsOf(location, hasBeen)
  const cluster = createCluster({
    RESP: options.RESP,
    rootNodes: location.nodes.map(({ host, port }) => ({ socket: { ...socket, host, port } })),
    defaults: { ...options, socket },
  })
  const { error, ready } = watched(log, redisName(location), hasBeen)
  cluster.on('error', error).on('node-error', error).on('node-ready', ready)
  await connectOrEnd(cluster, hasBeen)
  return {
    send: (key, commands) => Promise.all(commands.map((words) => cluster.sendCommand(key, false, [...words]))),
    close: async () => cluster.destroy(),
  }
}

const connectSentinel = async (location: RedisLocation, log: Log): Promise<Connected> => {
  const hasBeen = { connected: false }
  const options = optionsOf(location, hasBeen)
  const { socket } = options
  const sentinel = createSentinel({
    RESP: options.RESP,
    name: location.masterName ?? '',
    sentinelRootNodes: location.nodes.map(({ host, port }) => ({ host, port })),
    nodeClientOptions: options,
    sentinelClientOptions: { socket },
    scanInterval: 1_000,
  })
  const { error, ready } = watched(log, redisName(location), hasBeen)
  sentinel.on('error', error).on('topology-change', ready)
  await connectOrEnd(sentinel, hasBeen)
  return {
    send: (_key, commands) =>
      sentinel.use((leased) => Promise.all(commands.map((words) => leased.sendCommand(false, [...words])))),
    close: () => sentinel.destroy(),
  }
}

/** Who does not connect in time does not go on trying behind our back. */
const connectOrEnd = async (
  client: { connect(): Promise<unknown>; destroy(): unknown },
  hasBeen: { connected: boolean },
): Promise<void> => {
  const timer = setTimeout(() => client.destroy(), patience)
  try {
    await client.connect()
    hasBeen.connected = true
  } finally {
    clearTimeout(timer)
  }
}

/** @throws Error when a claim could be pushed out by others, or lost by a restart */
const requireLasting = async (run: RedisDatabase['run'], name: string, log: Log): Promise<void> => {
  const policy = await setting(run, 'maxmemory-policy')
  const file = await setting(run, 'appendonly')
  if (policy === undefined || file === undefined) {
    log.warn('the state does not tell its settings: it must have maxmemory-policy noeviction and appendonly yes', {
      state: name,
    })
    return
  }
  if (policy !== 'noeviction') throw new Error('it may push out what was used once: set maxmemory-policy to noeviction')
  if (file !== 'yes') throw new Error('it forgets what was used once: set appendonly to yes')
}

/** Undefined where we may not ask. */
const setting = async (run: RedisDatabase['run'], name: string): Promise<string | undefined> => {
  try {
    const reply = await run(name, 'CONFIG', 'GET', name)
    const value = Array.isArray(reply) ? (reply as readonly RedisReply[])[1] : undefined
    return typeof value === 'string' ? value : undefined
  } catch (cause) {
    if (/^(?:NOPERM|ERR unknown command)/.test(messageOf(cause))) return undefined
    throw cause
  }
}

const replyOf = (reply: unknown): RedisReply => {
  if (reply === null || typeof reply === 'string' || typeof reply === 'number') return reply
  if (Array.isArray(reply)) return reply.map(replyOf)
  throw new Error('the store answers with something that is not known here')
}
