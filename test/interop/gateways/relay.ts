import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What stands between a gateway and dragoman: it counts connections, and is in trouble on demand. */
export interface Relay {
  readonly port: number
  /** How many connections it has taken so far. */
  readonly taken: () => number
  /** Where it passes connections on to from now on. Those that are open stay as they are. */
  readonly leadTo: (port: number) => void
  /** Takes no connection any more, and cuts those that are open, as when the other side is gone. */
  readonly refuse: () => Promise<void>
  /** Takes connections, and passes nothing on, on them or on those that are open. */
  readonly stall: () => void
  /** Ends either. */
  readonly restore: () => Promise<void>
  readonly stop: () => Promise<void>
}

const listening = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return address.port
}

/** A connection that was taken, and the one that it leads to, unless it leads nowhere. */
interface Passage {
  readonly client: Socket
  readonly service?: Socket
}

const endsOf = ({ client, service }: Passage): readonly Socket[] =>
  service === undefined ? [client] : [client, service]

const stop = ({ client, service }: Passage): void => {
  client.unpipe()
  service?.unpipe()
}

/** Starts it on a free port of the loopback interface. */
export const startRelay = async (target: number): Promise<Relay> => {
  const open = new Set<Passage>()
  let [to, taken, isStalling] = [target, 0, false]

  const attend = (client: Socket) => {
    taken += 1
    const passage: Passage = isStalling ? { client } : { client, service: connect(to, '127.0.0.1') }
    open.add(passage)
    for (const end of endsOf(passage)) {
      end.on('error', () => end.destroy())
      end.on('close', () => {
        open.delete(passage)
        for (const other of endsOf(passage)) other.destroy()
      })
    }
    if (passage.service === undefined) client.resume()
    else client.pipe(passage.service).pipe(client)
  }
  const cut = () => {
    for (const passage of open) for (const end of endsOf(passage)) end.destroy()
  }
  let server = createServer(attend)
  const port = await listening(server, 0)
  const refuse = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }
  return {
    port,
    taken: () => taken,
    leadTo: (next) => {
      to = next
    },
    refuse,
    stall() {
      isStalling = true
      for (const passage of open) stop(passage)
    },
    async restore() {
      if (isStalling) cut()
      isStalling = false
      if (server.listening) return
      server = createServer(attend)
      await listening(server, port)
    },
    stop: refuse,
  }
}
