// Guessing keys, and what the time of an answer could tell a guesser.
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { generateKey, generateSuccessor, handleOf, secretHashOf } from '../../src/core/key.ts'
import type { Handle, Key } from '../../src/core/key.ts'
import type { SessionManager } from '../../src/manager/session-manager.ts'
import { serveNode } from '../adapters/servers/node.ts'
import { handleIn, keyIn, openTarget, pairWith } from './support/target.ts'
import type { Basket } from './support/target.ts'

const GUESSES = 100_000
// As many as one request may try.
const AT_ONCE = 4
const CONNECTIONS = 8

/** A server that says `found` or `nobody`, and a guesser with open connections to it. */
async function openOracle(sessions: SessionManager<Basket>) {
  const sessionOf = createNodeAdapter(sessions)
  const server = createServer((incoming, response) => {
    sessionOf(incoming, response)
      .load()
      .then((session) => response.end(session === undefined ? 'nobody' : 'found'))
      .catch(() => response.writeHead(500).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  onTestFinished(() => {
    agent.destroy()
    server.close()
  })
  return (cookie: string): Promise<string> => ask({ agent, host: '127.0.0.1', port }, cookie)
}

function ask(where: object, cookie: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, headers: { cookie } }, (response: IncomingMessage) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve(body))
    })
    sent.on('error', reject).end()
  })
}

/** Asks with `count` cookie headers, over all connections at once; gives the distinct answers. */
async function askAll(
  oracle: (cookie: string) => Promise<string>,
  count: number,
  cookie: () => string,
): Promise<Set<string>> {
  const answers = new Set<string>()
  let left = count
  const work = async (): Promise<void> => {
    while (left-- > 0) answers.add(await oracle(cookie()))
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  return answers
}

describe('a guesser', () => {
  it('finds nothing with 100,000 keys, at one read for each and nothing else', async () => {
    const target = await openTarget(serveNode)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const handle = handleIn(victim.cookie()) as Handle
    const oracle = await openOracle(target.sessions)
    expect(await oracle(victim.cookie())).toBe('found')
    target.store.takeCalls()
    // The handle is public, so half of them are guesses of its secret.
    const guesses = (): string =>
      Array.from({ length: AT_ONCE }, (_, index) =>
        pairWith(index % 2 === 0 ? generateKey() : generateSuccessor(handle)),
      ).join('; ')
    expect(await askAll(oracle, GUESSES / AT_ONCE, guesses)).toEqual(new Set(['nobody']))
    const calls = target.store.takeCalls()
    expect(calls).toHaveLength(GUESSES)
    expect(new Set(calls)).toEqual(new Set(['read']))
    // Nor is the victim locked out.
    expect(await oracle(victim.cookie())).toBe('found')
  })

  it('never gets as far as the store with what is shaped like no key', async () => {
    const target = await openTarget(serveNode)
    const oracle = await openOracle(target.sessions)
    const guesses = (): string => pairWith(generateKey().slice(1 + Math.floor(Math.random() * 60)))
    expect(await askAll(oracle, 5000, guesses)).toEqual(new Set(['nobody']))
    expect(target.store.takeCalls()).toEqual([])
  })
})

describe('the time of an answer', () => {
  it('cannot depend on the secret in the store, which is asked for by the public half and sees a hash', async () => {
    const target = await openTarget(serveNode)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const wrong = generateSuccessor(handleIn(victim.cookie()) as Handle)
    target.store.calls.splice(0)
    const keys = [keyIn(victim.cookie()) as Key, wrong, generateKey()]
    for (const key of keys) await target.ask('/', pairWith(key))
    expect(target.store.calls).toEqual(
      keys.map((key) => ({ operation: 'read', args: [handleOf(key), secretHashOf(key)] })),
    )
  })

  it('cannot depend on how much of a write’s secret is right, of which the store sees a hash', async () => {
    const target = await openTarget(serveNode)
    const victim = target.visitor()
    for (const path of ['/buy', '/login/ann', '/rotate', '/buy', '/logout'])
      await victim.visit(path)
    const seen = JSON.stringify(target.store.calls)
    for (const operation of ['create', 'read', 'update', 'updateSecurity', 'delete']) {
      expect(seen).toContain(`"operation":"${operation}"`)
    }
    const last = target.visitor()
    await last.visit('/buy')
    const [, secret = ''] = keyIn(last.cookie()).split('.')
    await last.visit('/buy')
    await last.visit('/logout')
    expect(secret).toHaveLength(43)
    expect(JSON.stringify(target.store.calls)).not.toContain(secret)
  })

  it('depends on no comparison of secrets or hashes in core but the one in constant time', () => {
    const core = fileURLToPath(new URL('../../src/core/', import.meta.url))
    const files = readdirSync(core, { recursive: true, encoding: 'utf8' })
    const sources = files.filter((file) => file.endsWith('.ts'))
    expect(sources).toContain('key.ts')
    const name = String.raw`[\w.]*(?:[sS]ecretHash|previousHash|\bsecret)\b`
    const comparison = new RegExp(String.raw`${name} [!=]==? (?!null|undefined)|[!=]== ${name}`)
    const found = sources.flatMap((file) =>
      readFileSync(`${core}${file}`, 'utf8')
        .split('\n')
        .filter((line) => comparison.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    )
    // The bridges' deletions: a hash against hashes, of which a guesser cannot choose a single character.
    expect(found).toEqual([
      'bridge-record.ts: return secretHash === security.secretHash || secretHash === security.previousHash',
    ])
    const key = readFileSync(`${core}key.ts`, 'utf8')
    expect(key).toMatch(/function sameSecretHash[^}]+return timingSafeEqual\(left, right\)\n}/)
  })
})
