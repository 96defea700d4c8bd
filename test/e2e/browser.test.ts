import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/index.ts'
import { findChromium, launchChromium } from './support/chromium.ts'
import { startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'

const PASSWORD = 'correct horse battery'
const executable = findChromium()
let demo: DemoServer
let browser: Browser
let people = 0

async function click(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

/** A new browser profile in which somebody new has signed up; they see their account. */
async function signedUp(options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const name = `person ${++people}`
  await page.goto(`${demo.origin}/signup`)
  await fillDoor(page, name)
  await click(page, 'Sign up')
  await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor()
  return { context, page, name }
}

async function fillDoor(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
}

async function numberIn(page: Page, selector: string): Promise<number> {
  return Number(await page.locator(selector).textContent())
}

async function sessionCookie(context: BrowserContext) {
  return (await context.cookies()).find(({ name }) => name === '__Host-session')
}

describe.skipIf(executable === undefined)('the demo in Chromium', () => {
  beforeAll(async () => {
    demo = await startDemo()
    browser = await launchChromium(executable ?? '')
  })

  afterAll(async () => {
    await browser.close()
    await demo.close()
  })

  it('keeps the cookie from scripts and other hosts', async () => {
    const { context, page } = await signedUp()
    const cookie = await sessionCookie(context)
    expect(cookie).toMatchObject({
      domain: 'localhost',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
    })
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  it('loses nothing when two tabs change the cart at once', async () => {
    const context = await browser.newContext()
    const tabs = [await context.newPage(), await context.newPage()]
    for (const tab of tabs) await tab.goto(demo.origin)
    await click(tabs[0]!, 'Add Paper lantern to the cart')
    await Promise.all(
      tabs.map(async (tab) => {
        for (let turn = 0; turn < 10; turn++) await click(tab, 'Add Camp kettle to the cart')
      }),
    )
    await tabs[0]!.goto(demo.origin)
    expect(await numberIn(tabs[0]!, '#cart-size')).toBe(21)
    expect(await numberIn(tabs[0]!, '[data-product=kettle]')).toBe(20)
    await context.close()
  })

  it('carries the cart through the login', async () => {
    const { page, context, name } = await signedUp()
    await click(page, 'Log out here')
    await click(page, 'Add Two-person tent to the cart')
    await page.goto(`${demo.origin}/login`)
    await fillDoor(page, name)
    await click(page, 'Log in')
    await page.getByText('Welcome back.').waitFor()
    expect(await numberIn(page, '#cart-size')).toBe(1)
    await context.close()
  })

  it('ends the session in one tab while the other writes, for good', async () => {
    const { context, page } = await signedUp({ bypassCSP: true })
    const old = await sessionCookie(context)
    const writer = await context.newPage()
    await writer.goto(demo.origin)
    const writes = writer.evaluate(`(async () => {
      const statuses = []
      for (let turn = 0; turn < 40; turn++) {
        const body = new URLSearchParams({ product: 'kettle' })
        statuses.push((await fetch('/cart/add', { method: 'POST', body })).status)
      }
      return statuses
    })()`)
    await click(page, 'Log out here')
    await page.getByRole('link', { name: 'Log in' }).waitFor()
    await writes
    await page.goto(`${demo.origin}/account`)
    expect(new URL(page.url()).pathname).toBe('/login')
    const replay = await fetch(`${demo.origin}/account`, {
      headers: { cookie: `__Host-session=${old?.value}` },
      redirect: 'manual',
    })
    expect([replay.status, replay.headers.get('location')]).toEqual([303, '/login'])
    await context.close()
  })

  it('shows nothing private when going back after logging out', async () => {
    const { context, page, name } = await signedUp()
    await click(page, 'Log out here')
    await page.getByRole('link', { name: 'Log in' }).waitFor()
    await page.goBack()
    await page.waitForLoadState()
    expect(await page.textContent('body')).not.toContain(name)
    expect(await sessionCookie(context)).toBeUndefined()
    await context.close()
  })

  it('keeps sessions through a restart and a crash', async () => {
    const { context, page, name } = await signedUp()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await page.goto(demo.origin)
      const before = await numberIn(page, '#count')
      await click(page, 'Count one more')
      await demo.restart(signal)
      await page.goto(`${demo.origin}/account`)
      await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor()
      await page.goto(demo.origin)
      expect(await numberIn(page, '#count')).toBe(before + 1)
    }
    await context.close()
  })

  it('lists devices, and logs another one out', async () => {
    const { context, page, name } = await signedUp()
    const other = await browser.newContext({ userAgent: 'Mozilla/5.0 (iPhone) Safari/604.1' })
    const phone = await other.newPage()
    await phone.goto(`${demo.origin}/login`)
    await fillDoor(phone, name)
    await click(phone, 'Log in')
    await phone.getByText('Welcome back.').waitFor()
    await page.reload()
    expect(await page.locator('.devices li').count()).toBe(2)
    const row = page.locator('.devices li', { hasText: 'Safari on iPhone' })
    await row.getByRole('button', { name: 'Log it out' }).click()
    await page.getByText('That device is logged out.').waitFor()
    expect(await page.locator('.devices li').count()).toBe(1)
    await phone.goto(`${demo.origin}/account`)
    expect(new URL(phone.url()).pathname).toBe('/login')
    await Promise.all([context.close(), other.close()])
  })

  it('logs out everywhere', async () => {
    const { context, page, name } = await signedUp()
    const other = await browser.newContext()
    const second = await other.newPage()
    await second.goto(`${demo.origin}/login`)
    await fillDoor(second, name)
    await click(second, 'Log in')
    await second.getByText('Welcome back.').waitFor()
    await click(page, 'Log out everywhere')
    await page.getByRole('link', { name: 'Log in' }).waitFor()
    await second.goto(`${demo.origin}/account`)
    expect(new URL(second.url()).pathname).toBe('/login')
    await Promise.all([context.close(), other.close()])
  })
})

describe.skipIf(executable === undefined)('clearHeaders in Chromium', () => {
  const cookies = [
    { name: '__Host-session' },
    { name: '__Host-Http-session' },
    { name: '__Secure-session', path: '/deep' },
    { name: 'plain', path: '/deep', secure: false, httpOnly: false, sameSite: 'Strict' as const },
    { name: 'apart', partitioned: true, sameSite: 'None' as const },
  ]

  beforeAll(async () => {
    browser = await launchChromium(executable ?? '')
  })

  afterAll(async () => {
    await browser.close()
  })

  for (const cookie of cookies) {
    it(`removes ${cookie.name}, where the original's header leaves it`, async () => {
      const backend = createMemoryBackend({ sweepEveryMs: 0 })
      const sessions = createSessionManager({ backend, cookie })
      const session = await sessions.generate('value')
      const broken = `${cookie.name}; Max-Age=0; path=${cookie.path ?? '/'}`
      const answers: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
        '/deep/set': sessions.toCookieHeaders(session),
        '/deep/broken': [['Set-Cookie', broken]],
        '/deep/clear': sessions.clearHeaders(),
      }
      const server = createServer((request, response) => {
        for (const field of answers[request.url ?? ''] ?? []) response.appendHeader(...field)
        response.end('done')
      })
      await new Promise<void>((resolve) => server.listen(0, resolve))
      const { port } = server.address() as AddressInfo
      const context = await browser.newContext()
      const page = await context.newPage()
      const present = async (): Promise<boolean> =>
        (await context.cookies()).some(({ name }) => name === cookie.name)
      await page.goto(`http://localhost:${port}/deep/set`)
      expect(await present()).toBe(true)
      await page.goto(`http://localhost:${port}/deep/broken`)
      expect(await present()).toBe(true)
      await page.goto(`http://localhost:${port}/deep/clear`)
      expect(await present()).toBe(false)
      await context.close()
      server.closeAllConnections()
      server.close()
    })
  }
})
