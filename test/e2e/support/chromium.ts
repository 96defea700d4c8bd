import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const INSTALL = 'apt-get install -y chromium'
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
 * The path of a Chromium: from `CHROMIUM`, from its usual places, or from Debian's package, installed on the spot
 * where that may be done. `undefined` where there is none; in CI that is an error.
 */
export function findChromium(): string | undefined {
  const { CHROMIUM, CI } = process.env
  const known = [CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path))
  if (known !== undefined) return known
  if (mayInstall()) {
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
      if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed: ${stderr.slice(-500)}`)
    }
    return PLACES[0]
  }
  if (CI !== undefined) throw new Error(`no Chromium: run "${INSTALL}", or set CHROMIUM to one`)
  console.warn(
    `skipped: no Chromium for the browser tests: run "${INSTALL}", or set CHROMIUM to one`,
  )
  return undefined
}

/** Starts a headless Chromium with a profile of its own. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS })
}

function mayInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}
