import { EventEmitter } from 'node:events'
import http from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { createNewsHandler } from '../../examples/server-sent-events.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/manager.ts'
import { running } from '../adapters/servers/client.ts'

async function open() {
  const sessions = createSessionManager<string>({ backend: createMemoryBackend() })
  const agency = new EventEmitter()
  const handle = createNewsHandler(sessions, {
    listen: (listener) => {
      agency.on('news', listener)
      return () => agency.off('news', listener)
    },
  })
  const server = await running(
    http.createServer((request, response) => void handle(request, response)),
  )
  onTestFinished(() => server.close())
  return { ...server, sessions, agency }
}

it('streams until the session ends, and leaves nothing behind', async () => {
  const { send, sessions, agency } = await open()
  const session = await sessions.generate('reader', { subject: 'ann' })
  const head = await send('/', { cookies: [`__Host-session=${session.key}`] })
  expect(head.header('content-type')).toBe('text/event-stream')
  expect(head.header('vary')).toBe('Cookie')
  agency.emit('news', 'tea is cheap')
  agency.emit('news', 'tea is dear')
  await sessions.clear(session)
  expect(await head.text()).toBe('data: tea is cheap\n\ndata: tea is dear\n\n')
  expect(agency.listenerCount('news')).toBe(0)
})

it('streams nothing to strangers', async () => {
  const { ask, sessions } = await open()
  const { key } = await sessions.generate('visitor')
  expect((await ask('/')).status).toBe(401)
  expect((await ask('/', `__Host-session=${key}`)).status).toBe(401)
})
