import { setTimeout as sleep } from 'node:timers/promises'
import { createHistory, tick } from './history.ts'
import type { History } from './history.ts'
import type { Answer } from './http-server.ts'
import { record } from './load.ts'
import type { LoadContext, Write } from './load.ts'

/** A browser with its cookie, and the history of the session that the cookie names. */
interface Visitor {
  readonly context: LoadContext
  readonly url: string
  key: string | undefined
  history: History
}

interface Reply extends Answer {
  readonly status: number
  /** The key in `Set-Cookie`; `''` where it drops the cookie. */
  readonly cookie: string | undefined
  readonly invokedAt: number
  /** The key that was sent. */
  readonly sent: string | undefined
}

const REQUESTS = 36

/** Runs `visitors` browsers against the application, each through one session after the other, until the load stops. */
export async function runHttpLoad(
  context: LoadContext,
  url: string,
  visitors: number,
): Promise<void> {
  await Promise.all(
    Array.from({ length: visitors }, async () => {
      while (!context.stopping) {
        await browse({ context, url, key: undefined, history: createHistory() })
      }
    }),
  )
}

/** A first visit, more of them, some at once, and at times a logout. */
async function browse(visitor: Visitor): Promise<void> {
  const { context } = visitor
  await visit(visitor)
  for (let i = 0; i < REQUESTS && visitor.key !== undefined && !context.stopping; i++) {
    await sleep(Math.random() * 16)
    const draw = Math.random()
    if (draw < 0.05) {
      await rotate(visitor)
    } else {
      const tabs = draw < 0.3 ? 3 : 1
      await Promise.all(
        Array.from({ length: tabs }, () => (Math.random() < 0.4 ? read(visitor) : visit(visitor))),
      )
      i += tabs - 1
    }
  }
  if (visitor.key !== undefined && Math.random() < 0.6) {
    const { key } = visitor
    await logOut(visitor)
    // The cookie comes back from another tab, or from a thief.
    visitor.key = key
    await read(visitor)
  }
}

async function send(visitor: Visitor, path: string): Promise<Reply | undefined> {
  const { context, key } = visitor
  const { meter } = context
  const invokedAt = tick()
  const invokedAtMs = performance.now()
  try {
    const headers: Record<string, string> =
      key === undefined ? {} : { cookie: `__Host-session=${key}` }
    const response = await fetch(visitor.url + path, { headers })
    const answer = (await response.json()) as Answer
    const cookies = response.headers.getSetCookie()
    if (response.status === 503) {
      meter.failed(invokedAtMs, answer.value !== undefined || answer.found === true)
      // A fault must not touch the cookie; one that names no session would log the visitor out.
      if (cookies.length > 0) meter.untyped(new Error('a cookie with a fault'))
      await sleep(20 + Math.random() * 80)
    } else {
      meter.succeeded()
    }
    const cookie = /^__Host-session=([^;]*)/.exec(cookies.at(-1) ?? '')?.[1]
    return { ...answer, status: response.status, cookie, invokedAt, sent: key }
  } catch (error) {
    meter.untyped(error)
    return undefined
  }
}

/** A request that counts a visit, and begins a session where there is none. */
async function visit(visitor: Visitor): Promise<void> {
  const { context, history } = visitor
  const reply = await send(visitor, '/visit')
  if (reply === undefined || reply.status === 500) return
  const { invokedAt, sent, cookie, basis, value, version } = reply
  if (cookie !== undefined && cookie !== '' && handleOf(cookie) !== handleOf(sent)) {
    if (sent !== undefined) {
      miss(history, sent, invokedAt)
      history.turnedAnonymous(invokedAt)
    }
    return begin(visitor, cookie, reply)
  }
  if (reply.status === 410 && value === undefined && sent !== undefined) {
    return miss(history, sent, invokedAt)
  }
  // Without a basis it would have begun a session, and nobody has learnt of it.
  if (sent === undefined || basis === undefined || value === undefined) return
  const outcome =
    reply.status === 200
      ? { version: version ?? 0 }
      : (({ 410: 'gone', 409: 'conflict' } as const)[reply.status] ?? 'unknown')
  const write: Write = { kind: 'update', key: history.keyOf(sent), value, basis, outcome }
  await record(context, history, invokedAt, write)
}

async function begin(visitor: Visitor, key: string, reply: Reply): Promise<void> {
  const history = createHistory()
  const token = history.keyOf(key)
  const write: Write = { kind: 'create', key: token, value: reply.value ?? '', outcome: 'ok' }
  const noted = record(visitor.context, history, reply.invokedAt, write)
  visitor.context.histories.push(history)
  Object.assign(visitor, { key, history })
  await noted
}

async function read(visitor: Visitor): Promise<void> {
  const { history } = visitor
  const reply = await send(visitor, '/read')
  if (reply?.status !== 200 || reply.sent === undefined) return
  const { sent, invokedAt, version = 0, basis = '' } = reply
  if (reply.found !== true) return miss(history, sent, invokedAt)
  const outcome = { version, value: basis }
  const key = history.keyOf(sent)
  history.add({ kind: 'read', key, outcome, invokedAt, returnedAt: tick() })
}

function miss(history: History, sent: string, invokedAt: number): void {
  const key = history.keyOf(sent)
  history.add({ kind: 'read', key, outcome: 'not_found', invokedAt, returnedAt: tick() })
}

async function rotate(visitor: Visitor): Promise<void> {
  const { context, history } = visitor
  const reply = await send(visitor, '/rotate')
  if (reply === undefined || reply.sent === undefined) return
  const { sent, invokedAt, found, cookie } = reply
  if (found === false) return miss(history, sent, invokedAt)
  // A fault before the session was found: nothing was written.
  if (found === undefined) return
  const key = history.keyOf(sent)
  if (reply.status === 200 && cookie !== undefined) {
    const outcome = { key: history.keyOf(cookie) }
    visitor.key = cookie
    return record(context, history, invokedAt, { kind: 'rotate', key, outcome })
  }
  const outcome = reply.status === 410 ? 'gone' : 'unknown'
  return record(context, history, invokedAt, { kind: 'rotate', key, outcome })
}

async function logOut(visitor: Visitor): Promise<void> {
  const { context, history } = visitor
  const reply = await send(visitor, '/logout')
  if (reply === undefined || reply.sent === undefined || reply.found === undefined) return
  const { sent, invokedAt, found } = reply
  if (!found) miss(history, sent, invokedAt)
  const key = found ? undefined : history.keyOf(sent)
  const outcome = reply.status === 200 ? 'ok' : 'unknown'
  await record(context, history, invokedAt, { kind: 'clear', key, outcome })
}

function handleOf(key: string | undefined): string | undefined {
  return key?.split('.')[0]
}
