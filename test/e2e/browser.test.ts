import { DatabaseSync } from 'node:sqlite'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, launchChromium } from './support/chromium.ts'
import { createClient, holdPost } from './support/client.ts'
import { startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'
import { click, logIn, numberIn, passDoor, sessionCookie, signUp } from './support/people.ts'

const executable = findChromium()
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1'
let demo: DemoServer
let browser: Browser

beforeAll(async () => {
  if (executable === undefined) return
  demo = await startDemo()
  browser = await launchChromium(executable)
})

afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close()
})

afterAll(async () => {
  await browser?.close()
  await demo?.close()
})

async function tabs(count: number): Promise<Page[]> {
  const context = await browser.newContext()
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page = await context.newPage()
      await page.goto(demo.origin)
      return page
    }),
  )
}

/** What a tab gets that asks for the account: the path where it ends. */
async function pathOfAccount(page: Page): Promise<string> {
  await page.goto(`${demo.origin}/account`)
  return new URL(page.url()).pathname
}

function isStored(handle: string): boolean {
  const db = new DatabaseSync(demo.file)
  const row = db.prepare('SELECT 1 FROM sojourn_sessions WHERE id = ?').get(handle)
  db.close()
  return row !== undefined
}

describe.skipIf(executable === undefined)('the demo in Chromium', () => {
  it('keeps the cookie from scripts and from other hosts', async () => {
    const { context, page } = await signUp(browser, demo.origin)
    const cookie = await sessionCookie(context)
    // A domain without a leading dot is one host alone.
    expect(cookie).toMatchObject({
      domain: 'localhost',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
    })
    const seconds = (cookie?.expires ?? 0) - Date.now() / 1000
    expect(seconds).toBeGreaterThan(86_300)
    expect(seconds).toBeLessThanOrEqual(86_400)
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  it('works without JavaScript: sign up, count, log out, log in', async () => {
    const { context, page, name } = await signUp(browser, demo.origin, { javaScriptEnabled: false })
    await page.goto(demo.origin)
    for (const count of [1, 2]) {
      await click(page, 'Count one more')
      await page.locator('#count', { hasText: String(count) }).waitFor()
    }
    await click(page, 'Log out')
    await page.getByText('You are logged out on this device.').waitFor()
    expect(await sessionCookie(context)).toBeUndefined()
    await passDoor(page, name, 'Log in')
  })

  it('gives the session a new key at login, and keeps the cart', async () => {
    const { context, page, name } = await signUp(browser, demo.origin)
    await click(page, 'Log out here')
    await page.goto(demo.origin)
    await click(page, 'Add Two-person tent to the cart')
    await page.locator('[data-product=tent]').waitFor()
    const before = await sessionCookie(context)
    await page.goto(`${demo.origin}/login`)
    await passDoor(page, name, 'Log in')
    expect(await numberIn(page, '#cart-size')).toBe(1)
    const after = await sessionCookie(context)
    expect(after?.value.split('.')[0]).toBe(before?.value.split('.')[0])
    expect(after?.value).not.toBe(before?.value)
  })

  it('loses nothing when two tabs change the cart at once', async () => {
    const [first, second] = (await tabs(2)) as [Page, Page]
    await click(first, 'Add Paper lantern to the cart')
    await first.locator('[data-product=lantern]').waitFor()
    // One write that began before all the others, and is done after them.
    const key = (await sessionCookie(first.context()))?.value
    const held = await holdPost(demo.origin, '/cart/add', `__Host-session=${key}`)
    await Promise.all(
      [first, second].map(async (tab) => {
        for (let turn = 0; turn < 15; turn++) await click(tab, 'Add Camp kettle to the cart')
      }),
    )
    expect((await held.finish({ product: 'tent' })).statusCode).toBe(303)
    await first.goto(demo.origin)
    expect(await numberIn(first, '[data-product=kettle]')).toBe(30)
    expect(await numberIn(first, '[data-product=tent]')).toBe(1)
    expect(await numberIn(first, '#cart-size')).toBe(32)
    await Promise.all([
      click(first, 'Remove one Camp kettle'),
      click(second, 'Add one Paper lantern'),
    ])
    await first.goto(demo.origin)
    expect(await numberIn(first, '[data-product=kettle]')).toBe(29)
    expect(await numberIn(first, '[data-product=lantern]')).toBe(2)
  })

  it('fails a write that another tab’s logout overtakes', async () => {
    const { context, page } = await signUp(browser, demo.origin)
    const key = (await sessionCookie(context))?.value ?? ''
    const held = await holdPost(demo.origin, '/count', `__Host-session=${key}`)
    await click(page, 'Log out here')
    await page.getByText('You are logged out on this device.').waitFor()
    const answer = await held.finish({})
    expect([answer.statusCode, answer.headers.location]).toEqual([303, '/login?note=ended'])
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(isStored(key.slice(0, 22))).toBe(false)
  })

  it('ends the session in one tab while another one writes and writes, for good', async () => {
    const { context, page } = await signUp(browser, demo.origin, { bypassCSP: true })
    const key = (await sessionCookie(context))?.value ?? ''
    const writer = await context.newPage()
    await writer.goto(demo.origin)
    // Four writes at any time, from before the logout until after it.
    const writing = writer.evaluate(`(async () => {
      window.written = 0
      const body = new URLSearchParams({ product: 'kettle' })
      const write = async () => {
        while (!window.enough) {
          const { ok } = await fetch('/cart/add', { method: 'POST', body })
          if (!ok) throw new Error('a write was answered with an error')
          window.written++
        }
      }
      await Promise.all([write(), write(), write(), write()])
    })()`)
    await writer.waitForFunction('window.written > 8')
    expect(isStored(key.slice(0, 22))).toBe(true)
    await click(page, 'Log out here')
    await page.getByText('You are logged out on this device.').waitFor()
    const written = Number(await writer.evaluate('window.written'))
    await writer.waitForFunction(`window.written > ${written + 8}`)
    await writer.evaluate('window.enough = true')
    await writing
    expect(isStored(key.slice(0, 22))).toBe(false)
    // What the tab goes on writing to is a visitor's session of its own.
    expect((await sessionCookie(context))?.value.slice(0, 22)).not.toBe(key.slice(0, 22))
    expect(await pathOfAccount(page)).toBe('/login')
    const headers = { cookie: `__Host-session=${key}` }
    const replay = await createClient(demo.origin).send('/account', { headers })
    expect(replay.headers.get('location')).toBe('/login?note=account')
  })

  it('shows nothing private when going back after logging out', async () => {
    const { context, page, name } = await signUp(browser, demo.origin)
    await page.goto(demo.origin)
    await click(page, 'Log out')
    await page.getByText('You are logged out on this device.').waitFor()
    for (const path of ['/', '/login']) {
      await page.goBack()
      expect(new URL(page.url()).pathname).toBe(path)
      expect(await page.textContent('body')).toContain('Log in')
      expect(await page.textContent('body')).not.toContain(name)
    }
    expect(await sessionCookie(context)).toBeUndefined()
  })

  it('keeps sessions through a restart and a crash', async () => {
    const { page, name } = await signUp(browser, demo.origin)
    for (const [turn, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      await page.goto(demo.origin)
      await click(page, 'Count one more')
      await page.locator('#count', { hasText: String(turn + 1) }).waitFor()
      await demo.stop(signal)
      await demo.start()
      await page.goto(`${demo.origin}/account`)
      await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor()
      await page.goto(demo.origin)
      expect(await numberIn(page, '#count')).toBe(turn + 1)
    }
  })

  it('lists devices, and logs another one out', async () => {
    const { page, name } = await signUp(browser, demo.origin)
    const phone = await logIn(browser, demo.origin, name, { userAgent: IPHONE })
    await page.reload()
    const rows = page.locator('.devices li')
    expect(await rows.count()).toBe(2)
    const here = rows.filter({ hasText: 'this one' })
    expect(await here.textContent()).toContain('Chrome on Linux')
    expect(await here.getByRole('button').count()).toBe(0)
    await click(page, 'Log out Safari on iPhone')
    await page.getByText('That device is logged out.').waitFor()
    expect(await rows.count()).toBe(1)
    expect(await pathOfAccount(phone.page)).toBe('/login')
  })

  it('logs out everywhere', async () => {
    const { page, name } = await signUp(browser, demo.origin)
    const other = await logIn(browser, demo.origin, name)
    await click(page, 'Log out everywhere')
    await page.getByText('You are logged out on all your devices.').waitFor()
    expect(await pathOfAccount(page)).toBe('/login')
    expect(await pathOfAccount(other.page)).toBe('/login')
  })

  it('fits a phone', async () => {
    const viewport = { width: 320, height: 640 }
    const { page } = await signUp(browser, demo.origin, { viewport })
    await page.goto(demo.origin)
    await click(page, 'Add Two-person tent to the cart')
    await page.locator('[data-product=tent]').waitFor()
    for (const path of ['/', '/account', '/login', '/nothing']) {
      await page.goto(`${demo.origin}${path}`)
      const outside = await page.evaluate(`[...document.querySelectorAll('.card *')]
        .filter((part) => !part.closest('.unseen'))
        .filter((part) => part.getBoundingClientRect().right > part.closest('.card').getBoundingClientRect().right)
        .map((part) => part.outerHTML)`)
      expect([path, outside]).toEqual([path, []])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    }
  })
})
