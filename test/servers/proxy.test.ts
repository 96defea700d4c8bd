import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { startProxy } from './proxy.ts'
import type { FaultProxy } from './proxy.ts'
import { until } from './until.ts'

let proxy: FaultProxy
beforeEach(async () => {
  proxy = await startProxy(Number(new URL(inject('redisUrl')).port))
})
afterEach(() => proxy.stop())

describe('startProxy', () => {
  it('passes on what both sides say', async () => {
    const client = await connected()
    expect(await answerTo(client, 'PING\r\n')).toBe('+PONG\r\n')
    expect(await answerTo(client, 'ECHO again\r\n')).toBe('$5\r\nagain\r\n')
    expect(proxy.connections).toBe(1)
    const closed = until('the proxy has noticed', async () => proxy.connections === 0)
    client.end()
    await closed
  })

  it('cuts all connections, and takes new ones', async () => {
    const clients = [await connected(), await connected()]
    for (const client of clients) await answerTo(client, 'PING\r\n')
    const closed = clients.map((client) => once(client, 'close'))
    proxy.cut()
    await Promise.all(closed)
    expect(await answerTo(await connected(), 'PING\r\n')).toBe('+PONG\r\n')
  })

  it('cuts after a command has reached the server and before its answer is back', async () => {
    const key = `proxy:${crypto.randomUUID()}`
    const client = await connected()
    const other = await connected()
    const heard: Buffer[] = []
    client.on('data', (piece) => heard.push(piece))
    const closed = once(client, 'close')
    const cut = proxy.cutOnNext(/^INCR/)
    await answerTo(other, 'PING\r\n')
    client.write(`INCR ${key}\r\n`)
    await Promise.all([cut, closed])
    expect(heard).toEqual([])
    expect(await answerTo(other, `GET ${key}\r\n`)).toBe('$1\r\n1\r\n')
    // It was for one command only.
    expect(await answerTo(other, `INCR ${key}\r\n`)).toBe(':2\r\n')
    await answerTo(other, `DEL ${key}\r\n`)
  })

  it('cuts at whatever comes next without a pattern', async () => {
    const client = await connected()
    const cut = proxy.cutOnNext()
    const closed = once(client, 'close')
    client.write('PING\r\n')
    await Promise.all([cut, closed])
    expect(client.bytesRead).toBe(0)
  })

  it('holds everything back from stall to resume, on connections old and new', async () => {
    const old = await connected()
    await answerTo(old, 'PING\r\n')
    proxy.stall()
    const fresh = await connected()
    const answers = [answerTo(old, 'ECHO old\r\n'), answerTo(fresh, 'ECHO fresh\r\n')]
    let heard = 0
    for (const answer of answers) void answer.then(() => (heard += 1))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(heard).toBe(0)
    proxy.resume()
    expect(await Promise.all(answers)).toEqual(['$3\r\nold\r\n', '$5\r\nfresh\r\n'])
  })

  it('takes no more connections once stopped, and closes those it has', async () => {
    const client = await connected()
    await answerTo(client, 'PING\r\n')
    const closed = once(client, 'close')
    await proxy.stop()
    await proxy.stop()
    await closed
    await expect(connected()).rejects.toThrow(/ECONNREFUSED/)
  })

  it('closes a connection whose server is not there', async () => {
    const nobody = createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address() as AddressInfo
    nobody.close()
    await once(nobody, 'close')
    const lost = await startProxy(port)
    const client = connect(lost.port, '127.0.0.1').resume()
    await once(client, 'close')
    expect(lost.connections).toBe(0)
    await lost.stop()
  })
})

async function connected(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

async function answerTo(socket: Socket, command: string): Promise<string> {
  socket.write(command)
  const [piece] = (await once(socket, 'data')) as [Buffer]
  return piece.toString()
}
