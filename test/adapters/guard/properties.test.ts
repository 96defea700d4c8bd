import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGuard } from '../../../src/adapters/guard.ts'
import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createSessionManager } from '../../../src/index.ts'
import { nodeRequest, OWN } from './requests.ts'
import type { Said } from './requests.ts'

const TRUSTED = 'https://pay.example'
const sessions = createSessionManager<number>({ backend: createMemoryBackend({ sweepEveryMs: 0 }) })
const guard = createGuard({ trustedOrigins: [TRUSTED] })

const garbage = fc.string({ unit: 'binary', maxLength: 60 })
const origin = fc.oneof(
  fc.constantFrom(
    undefined,
    OWN,
    TRUSTED,
    'null',
    '',
    `${OWN}.evil.example`,
    'https://evil.example',
  ),
  garbage,
)
const site = fc.oneof(
  fc.constantFrom(undefined, 'same-origin', 'same-site', 'cross-site', 'none', 'nested'),
  garbage,
)
const said = fc.record<Said>({
  method: fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), garbage),
  url: fc.oneof(fc.webPath(), garbage),
  origin,
  'sec-fetch-site': site,
  'sec-fetch-dest': fc.oneof(fc.constantFrom('document', 'empty', undefined), garbage),
  referer: fc.oneof(fc.webUrl(), origin),
  host: fc.oneof(fc.constantFrom('app.example', undefined), garbage),
  cookie: fc.constantFrom(undefined, '', 'a=b'),
  'x-csrf-token': fc.oneof(fc.constantFrom(undefined), garbage),
  upgrade: fc.constantFrom(undefined, 'websocket', 'h2c'),
})

describe('a guard, whatever a client sends', () => {
  it('answers, in its own words', async () => {
    const session = await sessions.generate(1)
    await fc.assert(
      fc.asyncProperty(said, async (headers) => {
        const verdict = await guard.check(nodeRequest(headers), { session })
        expect(typeof verdict.ok).toBe('boolean')
        expect(verdict.reason).toMatch(/^[a-z_]+$/)
      }),
      { numRuns: 5000 },
    )
  })

  it('lets no write pass that a browser calls another site’s, unless that is trusted', async () => {
    const session = await sessions.generate(1)
    const token = guard.token(session)
    await fc.assert(
      fc.asyncProperty(said, fc.constantFrom('cross-site', 'same-site'), async (headers, site) => {
        fc.pre(headers['origin'] !== TRUSTED)
        const request = nodeRequest({ ...headers, method: 'POST', 'sec-fetch-site': site })
        expect((await guard.check(request, { session, token })).ok).toBe(false)
      }),
      { numRuns: 5000 },
    )
  })

  it('lets a page pass by Origin only if the whole of it is ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.webUrl(), garbage, fc.constant(OWN)), async (text) => {
        const request = nodeRequest({ origin: text, cookie: 'a=b' })
        const ours = text === OWN || text === 'http://app.example'
        expect((await guard.check(request)).ok).toBe(ours)
      }),
      { numRuns: 5000 },
    )
  })

  it('judges a request no better for what it says beside the deciding header', async () => {
    await fc.assert(
      fc.asyncProperty(said, fc.constantFrom('same-origin', 'cross-site'), async (more, site) => {
        fc.pre(more['origin'] !== TRUSTED)
        const request = nodeRequest({ ...more, method: 'POST', 'sec-fetch-site': site })
        expect((await guard.check(request)).ok).toBe(site === 'same-origin')
      }),
      { numRuns: 2000 },
    )
  })

  it('accepts a token with no bit changed but those that encode nothing', async () => {
    const session = await sessions.generate(1)
    await fc.assert(
      fc.asyncProperty(fc.nat(63), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(guard.token(session), 'base64url')
        bytes[at] = (bytes[at] ?? 0) ^ change
        const token = bytes.toString('base64url')
        const { reason } = await guard.check(nodeRequest({ cookie: 'a=b' }), { session, token })
        expect(reason).toBe('token_invalid')
      }),
      { numRuns: 2000 },
    )
  })
})
