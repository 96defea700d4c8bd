// What so many live sessions take, computed from what was measured, and a simulation that checks the computing:
// `npm run scaling -- --engine redis --sessions 1e9`; `--help` names every input. Ends with 1 where the two differ.
import { readFileSync, writeFileSync } from 'node:fs'
import { compare } from './scaling/compare.ts'
import { withTables } from './scaling/document.ts'
import { helpText, inputsFrom } from './scaling/inputs.ts'
import { planOf } from './scaling/plan.ts'
import { comparisonTable, documentTables, planText } from './scaling/report.ts'

const PAGE = new URL('../docs/scaling.md', import.meta.url)

function run(args: readonly string[]): number {
  const { inputs, help, tables } = inputsFrom(args)
  if (help) {
    console.log(helpText())
    return 0
  }
  if (tables) {
    writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), documentTables()))
    return 0
  }
  const plan = planOf(inputs)
  const comparisons = compare(plan)
  console.log(planText(plan))
  console.log(`\n${inputs.simulated} of them simulated, seed ${inputs.seed}:\n`)
  console.log(comparisonTable(comparisons))
  return comparisons.every(({ agree }) => agree) ? 0 : 1
}

try {
  process.exitCode = run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
