import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { asking } from './exchange.ts'
import type { Head, Running, Sent } from './exchange.ts'

/** Listens on a port that is free, and gives it. */
export async function listen(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function send(port: number, path: string, sent: Sent): Promise<Head> {
  const { method = 'GET', cookies = [], signal } = sent
  const headers: http.OutgoingHttpHeaders = cookies.length > 0 ? { cookie: [...cookies] } : {}
  const request = http.request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  const abort = (): void => void request.destroy(new Error('aborted'))
  signal?.addEventListener('abort', abort)
  request.end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.setEncoding('utf8')
  return {
    status: response.statusCode ?? 0,
    setCookies: response.headers['set-cookie'] ?? [],
    header: (name) => {
      const value = response.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    text: async () => {
      let body = ''
      for await (const chunk of response) body += String(chunk)
      return body
    },
  }
}

/** A server of `node:http`, listening, with its client. */
export async function running(server: http.Server): Promise<Running> {
  const port = await listen(server)
  return asking(
    (path, sent) => send(port, path, sent),
    async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  )
}
