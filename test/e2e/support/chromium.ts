import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser']
const COMMAND = 'sudo apt-get install --yes chromium'
// Two test files may get here at once, and apt waits for nobody: the second waits for the first, and finds it done.
const INSTALL = `
  [ -x ${PLACES[0]} ] || { apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium; }`
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * The path of a Chromium that starts: `CHROMIUM`, one in its usual places, or Debian's package, installed on the
 * spot where that may be done. `undefined`, and a printed reason, where there is none; in CI that is an error.
 */
export function findChromium(): string | undefined {
  const { CHROMIUM, CI } = process.env
  if (CHROMIUM) {
    if (starts(CHROMIUM)) return CHROMIUM
    throw new Error('CHROMIUM names no browser that starts')
  }
  const found = PLACES.find(starts) ?? (mayInstall() ? installed() : undefined)
  if (found !== undefined) return found
  const reason = `no Chromium: run "${COMMAND}", or set CHROMIUM to the path of one`
  if (CI) throw new Error(reason)
  console.warn(`skipped: the browser tests, ${reason}`)
  return undefined
}

/**
 * Starts a headless Chromium. Its back/forward cache is on, as it is for users: playwright turns it off, and then
 * the back button never shows a page that the browser has kept.
 */
export function launchChromium(
  executablePath: string,
  flags: readonly string[] = [],
): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [...FLAGS, ...flags],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
}

/** Ubuntu's /usr/bin/chromium-browser may be a script that asks for a snap. */
function starts(path: string): boolean {
  return existsSync(path) && spawnSync(path, ['--version'], { timeout: 60_000 }).status === 0
}

function mayInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function installed(): string | undefined {
  const { status, stderr } = spawnSync('flock', ['/var/lib/apt/lists', 'sh', '-c', INSTALL], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  })
  if (status !== 0) console.warn(`apt-get could not install chromium: ${stderr.slice(-500)}`)
  return PLACES.find(starts)
}
