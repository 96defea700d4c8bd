import type { TrialResult } from './trial.ts'

const COLUMNS: readonly (readonly [
  heading: string,
  cell: (result: TrialResult) => string | number,
])[] = [
  ['engine', ({ engine }) => engine],
  ['driver', ({ driver }) => driver],
  ['fault', ({ fault }) => fault],
  ['faults', ({ rounds }) => rounds],
  ['acknowledged', ({ acknowledged }) => acknowledged],
  ['failed', ({ failed }) => failed],
  ['unknown', ({ unknown }) => unknown],
  ['keys', ({ keys }) => keys],
  ['lost', ({ violations }) => violations.lost],
  ['revived', ({ violations }) => violations.revived],
  ['anonymous', ({ violations }) => violations.anonymous],
  ['torn', ({ violations }) => violations.torn],
  ['order', ({ violations }) => violations.order + violations.undecided],
  ['untyped', ({ untyped, unhandled }) => untyped.length + unhandled.length],
  ['late', ({ late }) => late],
  ['undone', ({ undone }) => undone],
  ['longest ms', ({ longestMs }) => Math.round(longestMs)],
  ['first answer ms', ({ firstAnswerMs }) => Math.round(firstAnswerMs)],
  ['all well ms', ({ allWellMs }) => Math.round(allWellMs)],
]

/** One trial as a line of text. */
export function lineOf(result: TrialResult): string {
  const { engine, driver, fault, skipped, problems } = result
  const name = `${engine} / ${driver} / ${fault}`
  if (skipped !== undefined) return `${name}: skipped: ${skipped}`
  return problems.length === 0 ? `${name}: ok` : `${name}: ${problems.join('; ')}`
}

/** All trials as a table in Markdown. */
export function tableOf(results: readonly TrialResult[]): string {
  const rows = results
    .filter(({ skipped }) => skipped === undefined)
    .map((result) => COLUMNS.map(([, cell]) => String(cell(result))))
  const headings = COLUMNS.map(([heading]) => heading)
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const rule = line(widths.map((width) => '-'.repeat(width)))
  return [line(headings), rule, ...rows.map(line)].join('\n')
}
