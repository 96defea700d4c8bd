// Each test installs the server that it misses, within the time that one test has; a slow mirror may need more. This
// installs all that is missing in one step, for a machine that is new: `node test/servers/provision.ts`.
import { BINARIES, findBinary } from './binary.ts'
import { installPackages, mayInstall } from './install.ts'

const CHROMIUM = { names: ['chromium', 'chromium-browser'], folders: () => [], debian: 'chromium' }

const missing = [CHROMIUM, ...Object.values(BINARIES)]
  .filter((binary) => 'debian' in binary && findBinary(binary) === undefined)
  .map((binary) => ('debian' in binary ? binary.debian : ''))
if (missing.length === 0) {
  console.log('nothing to install')
} else if (mayInstall()) {
  console.log(`apt-get install ${missing.join(' ')}`)
  installPackages(missing)
} else {
  console.error(`missing: run "sudo apt-get install --yes ${missing.join(' ')}"`)
  process.exitCode = 1
}
