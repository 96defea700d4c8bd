import type { Server } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { findChromium, launchChromium } from './chromium.ts'

/** A Chromium for the tests of one file. */
export interface SiteVisitor {
  /** The path of its binary; `undefined` where there is none, and then its tests are to be skipped. */
  readonly executable: string | undefined
  readonly browser: Browser
  /** The sites of one test: they are closed after it, and so are all pages. */
  readonly servers: Server[]
}

/** Starts a Chromium before the tests of this file, and ends it after them. */
export function visitSites(): SiteVisitor {
  const executable = findChromium()
  const servers: Server[] = []
  let browser: Browser | undefined

  beforeAll(async () => {
    if (executable !== undefined) browser = await launchChromium(executable)
  })

  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close()
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  afterAll(async () => {
    await browser?.close()
  })

  return {
    executable,
    servers,
    get browser() {
      if (browser === undefined) throw new Error('the browser has not been started')
      return browser
    },
  }
}
