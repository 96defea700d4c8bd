// A file that cannot be loaded, or whose "beforeAll" fails, has no failed test. This counts it as a failure all the
// same, and says in one line, for all reports it is given, what a reader of a long log looks for.
import { readFileSync } from 'node:fs'

const total = { passed: 0, failed: 0, skipped: 0 }
for (const path of process.argv.slice(2)) {
  const { passed, failed, skipped } = countOf(path)
  total.passed += passed
  // A run without a single test must not pass for a run without a failure.
  total.failed += passed + failed === 0 ? 1 : failed
  total.skipped += skipped
}
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
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
