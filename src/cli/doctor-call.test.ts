import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { callRaw, type Door } from './doctor-call.ts'

/** A server that does with a connection whatever it is told, and the door to it. */
const serverThat = async (acts: (socket: Socket, received: string) => void): Promise<Door> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => acts(socket, chunk.toString('latin1')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return { host: '127.0.0.1', port: address.port }
}

const request = 'GET /a/../b\\c HTTP/1.1\r\nHost: x\r\nA : 1\r\n b\nC: 2\r\n\r\n'

it('sends what it is given to the octet, and reads the head of the answer', async () => {
  const sent: string[] = []
  const door = await serverThat((socket, received) => {
    sent.push(received)
    socket.write('HTTP/1.1 204 No Content\r\nServer: a: b\r\nX:1\r\n\r\nHTTP/1.1 500 No\r\n\r\n')
  })
  expect(await callRaw(door, request, 5_000)).toEqual({
    status: 204,
    headers: [
      ['Server', 'a: b'],
      ['X', '1'],
    ],
  })
  expect(sent).toEqual([request])
})

it('waits past answers that only announce one', async () => {
  const door = await serverThat((socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 ')
    setTimeout(() => socket.write('Forbidden\r\n\r\n'), 20)
  })
  expect(await callRaw(door, request, 5_000)).toEqual({ status: 403, headers: [] })
})

it.each<readonly [string, (socket: Socket) => void, string]>([
  ['that ends', (socket) => socket.end(), 'closed'],
  ['that is reset', (socket) => socket.resetAndDestroy(), 'closed'],
  ['that ends within an answer', (socket) => socket.end('HTTP/1.1 200 OK\r\nServer'), 'closed'],
  ['where nothing happens', () => undefined, 'late'],
])('tells a connection %s', async (_, acts, reply) => {
  expect(await callRaw(await serverThat(acts), request, 300)).toBe(reply)
})

it.each([
  ['another protocol', '\0\0\x12\x04\0\0\0\0\0\0\0', /does not speak HTTP\/1\.1/],
  ['no status', 'HTTP/1.1 OK\r\n\r\n', /does not speak HTTP\/1\.1/],
  ['no end', `HTTP/1.1 200 OK\r\n${'X: 1\r\n'.repeat(50_000)}`, /no end of headers/],
])('does not take %s for an answer', async (_, text, message) => {
  const door = await serverThat((socket) => socket.write(text, 'latin1'))
  await expect(callRaw(door, request, 5_000)).rejects.toThrow(message)
})

it('rejects when nobody listens', async () => {
  await expect(callRaw({ host: '127.0.0.1', port: 1 }, request, 5_000)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
