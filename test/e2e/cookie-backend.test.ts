// Sessions sealed into their cookies, in a browser: whether several cookies come back, are replaced and are removed
// together, only a browser can say.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createCookieBackend } from '../../src/backends/cookie.ts'
import { createSessionManager } from '../../src/index.ts'
import { visitSites } from './support/sites.ts'

const NAME = '__Host-session'
const visitor = visitSites()
const { servers } = visitor

/** A site that keeps a text of the length that its path says, and shows how long it is. */
async function openSite(): Promise<string> {
  const backend = createCookieBackend({
    secrets: ['a secret for the tests, of more than 32 characters'],
    audience: 'test',
    maxBytes: 12_288,
  })
  const session = createNodeAdapter(createSessionManager<string>({ backend }))
  const server = createServer((request, response) => {
    const [, action = '', length = ''] = request.url?.split('/') ?? []
    async function answer(): Promise<string> {
      const own = session(request, response)
      if (action === 'set') await own.set('x'.repeat(Number(length)))
      if (action === 'clear') await own.clear()
      return String((await own.load())?.value.length ?? 'none')
    }
    answer().then(
      (text) => response.end(text),
      () => response.writeHead(500).end(),
    )
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

async function visit(page: Page, url: string): Promise<string | null> {
  await page.goto(url)
  return page.textContent('body')
}

describe.skipIf(visitor.executable === undefined)(
  'a session sealed into its cookies, in Chromium',
  () => {
    it('comes back from up to four cookies, out of reach of scripts, and leaves none over', async () => {
      const site = await openSite()
      const context = await visitor.browser.newContext()
      const page = await context.newPage()
      for (const [length, count] of [
        [9000, 4],
        [5000, 2],
        [8000, 3],
        [10, 1],
      ] as const) {
        expect(await visit(page, `${site}/set/${length}`)).toBe(String(length))
        const cookies = await context.cookies()
        const names = Array.from({ length: count }, (_, at) => (at === 0 ? NAME : `${NAME}.${at}`))
        expect(cookies.map(({ name }) => name).toSorted()).toEqual(names)
        for (const { value, ...cookie } of cookies) {
          expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/' })
          expect(cookie.name.length + value.length).toBeLessThanOrEqual(4096)
        }
        expect(await page.evaluate('document.cookie')).toBe('')
        expect(await visit(page, site)).toBe(String(length))
      }
    })

    it('is gone with a logout, all of it', async () => {
      const site = await openSite()
      const context = await visitor.browser.newContext()
      const page = await context.newPage()
      await visit(page, `${site}/set/9000`)
      expect(await visit(page, `${site}/clear`)).toBe('none')
      expect(await context.cookies()).toEqual([])
      expect(await visit(page, site)).toBe('none')
    })

    it('is none when the browser has lost one of its cookies, and can be begun anew', async () => {
      const site = await openSite()
      const context = await visitor.browser.newContext()
      const page = await context.newPage()
      await visit(page, `${site}/set/9000`)
      await context.clearCookies({ name: `${NAME}.2` })
      expect(await visit(page, site)).toBe('none')
      expect(await visit(page, `${site}/set/20`)).toBe('20')
      expect((await context.cookies()).map(({ name }) => name)).toEqual([NAME])
    })

    it('is one whole answer’s when many answers arrive at once', async () => {
      const site = await openSite()
      const context = await visitor.browser.newContext()
      const page = await context.newPage()
      await visit(page, `${site}/set/5000`)
      const lengths = [9000, 10, 5000, 8000, 20, 6000, 9001, 30]
      for (let round = 0; round < 5; round++) {
        await page.evaluate(
          `Promise.all(${JSON.stringify(lengths)}.map((length) => fetch('/set/' + length)))`,
        )
        expect(lengths.map(String)).toContain(await visit(page, site))
      }
    })
  },
)
