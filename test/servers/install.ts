import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Several processes may get here at once, and `apt-get update` waits for nobody: they take turns.
const INSTALL = `
  apt-get update -qq || true
  exec apt-get install -qq --yes --no-install-recommends -o DPkg::Lock::Timeout=300 -o "DPkg::Path=$STUBS" "$@"`

/** Whether packages may be installed: as root, on Debian. */
export function mayInstall(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/**
 * Installs packages of Debian's, and starts none of the services in them: their scripts find programs that do
 * nothing in place of those that start services. The system itself stays as it was.
 *
 * @throws {Error} with the end of what apt-get said.
 */
export function installPackages(packages: readonly string[]): void {
  const stubs = mkdtempSync(join(tmpdir(), 'sojourn-stubs-'))
  try {
    for (const name of ['invoke-rc.d', 'deb-systemd-invoke', 'service'])
      writeFileSync(join(stubs, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
    const { status, stderr } = spawnSync(
      'flock',
      ['/var/lib/apt/lists', 'sh', '-c', INSTALL, 'sh', ...packages],
      {
        env: {
          ...process.env,
          DEBIAN_FRONTEND: 'noninteractive',
          STUBS: `${stubs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        },
        encoding: 'utf8',
      },
    )
    if (status !== 0)
      throw new Error(`"apt-get install --yes ${packages.join(' ')}" fails: ${stderr.slice(-500)}`)
  } finally {
    rmSync(stubs, { recursive: true, force: true })
  }
}
