// Each test installs the server that it misses, within the time that one test has; a slow mirror may need more. This
// installs all that is missing in one step, for a machine that is new: `node test/servers/provision.ts`.
import { BINARIES, installMissing } from './binary.ts'

const CHROMIUM = { names: ['chromium', 'chromium-browser'], folders: () => [], debian: 'chromium' }

const missing = installMissing([CHROMIUM, ...Object.values(BINARIES)])
if (missing.length > 0) {
  console.error(`missing: run "sudo apt-get install --yes ${missing.join(' ')}"`)
  process.exitCode = 1
}
