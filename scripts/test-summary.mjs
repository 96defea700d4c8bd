// A file that cannot be loaded, or whose "beforeAll" fails, has no failed test, and a server that is missing has only
// skipped ones. This counts both as failures, but for the skips that are known by name, and says in one line, for all
// reports it is given, what a reader of a long log looks for.
import { readFileSync } from 'node:fs'

const SERVER_CLOCK = 'a case about an exact moment: the clock is the server’s, and cannot be moved'
const UNLISTED = 'the engine beneath a bridge cannot list its sessions'
const ALLOWED = [
  [/mysql8\.test\.ts/, 'no MySQL 8: neither SOJOURN_TEST_MYSQL_URL nor a binary'],
  [/redis-valkey\.test\.ts/, 'no Valkey: neither SOJOURN_TEST_VALKEY_URL nor a binary'],
  [/a record is live until just before its expiry/, SERVER_CLOCK],
  [/update without an idle span starts the record’s own anew/, SERVER_CLOCK],
  [/authenticated anchors deadline and expiry anew/, SERVER_CLOCK],
  [/the period counts down by the second/, SERVER_CLOCK],
  [/a session is live until just before the end of its period/, SERVER_CLOCK],
  [/(express-store|bridges).*repeated sweeps reach every expired record/, UNLISTED],
  [/repeated sweeps reach every expired record/, SERVER_CLOCK],
  [/bridges?.*deleteAll ends every record|(unstorage|keyv|express-store|bridges).*end/i, UNLISTED],
  [/backendContract on createCookieBackend/, 'what a stateless backend cannot do'],
  [/gets over a full disk/, 'this machine lets nobody mount a small disk'],
]

const total = { passed: 0, failed: 0, skipped: 0 }
const skips = new Map()
for (const path of process.argv.slice(2)) {
  const { passed, failed, skipped } = countOf(path)
  total.passed += passed
  // A run without a single test must not pass for a run without a failure.
  total.failed += passed + failed === 0 ? 1 : failed
  total.skipped += skipped
}
for (const [reason, count] of skips) console.log(`skipped ${count}: ${reason}`)
const { passed, failed, skipped } = total
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
if (failed > 0 || passed === 0) process.exitCode = 1

function countOf(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'))
    const broken = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    )
    const unknown = report.testResults.flatMap(unknownSkipsOf)
    for (const name of unknown) console.log(`skipped, and not allowed to be: ${name}`)
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length + unknown.length,
      skipped: report.numPendingTests + report.numTodoTests - unknown.length,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

/** The skipped tests of a file that no reason above covers; the others are counted by it. */
function unknownSkipsOf({ name: file, assertionResults }) {
  const skipped = assertionResults.filter(({ status }) => !['passed', 'failed'].includes(status))
  return skipped.flatMap(({ fullName }) => {
    const name = `${file.split('/test/').at(-1)} > ${fullName}`
    const [, reason] = ALLOWED.find(([pattern]) => pattern.test(name)) ?? []
    if (reason === undefined) return [name]
    skips.set(reason, (skips.get(reason) ?? 0) + 1)
    return []
  })
}
