import { createClient } from 'redis'
import type { RedisServer } from './redis.ts'

/** Sends one command to one server, on a connection of its own, and returns its answer as text. */
export async function command(
  server: Pick<RedisServer, 'url'>,
  ...args: string[]
): Promise<string> {
  // A server that is down is an answer: no second attempt. In RESP 2, all that has parts is a flat list.
  const client = createClient({
    url: server.url,
    RESP: 2,
    socket: { reconnectStrategy: false },
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const answer: unknown = await client.sendCommand(args)
    return Array.isArray(answer) ? answer.join(' ') : String(answer)
  } finally {
    client.destroy()
  }
}
