// What was measured, as Markdown tables and as charts.
import { createRequire } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'

const PAGE = 'docs/performance.md'
const BEGIN = '<!-- figures: begin (written by `npm run bench:full`) -->'
const END = '<!-- figures: end -->'
const SAID = {
  '/none': 'never touches the session',
  '/read': 'reads the session',
  '/count': 'counts in the session',
}

// What no request came to an end for has no figure; JSON has `null` for it.
const number = (value) =>
  value === undefined ? '' : Number.isFinite(value) ? value.toFixed(2) : '–'
const ratio = (spread) =>
  spread === undefined
    ? ''
    : `${number(spread.median)} (${number(spread.low)}–${number(spread.high)})`

/** One group at one path. */
export function tableOf({ name, path, rows }) {
  const eased = path === '/read'
  const lines = rows.map((row) =>
    [
      row.library,
      Math.round(row.rate.median),
      ratio(row.ofBare),
      ratio(row.ofFloor),
      number(row.cpuUs.median),
      number(row.overBareUs.median),
      number(row.p50Us.median / 1000),
      number(row.p99Us.median / 1000),
      number(row.p99OfBare.median),
      ...(eased ? [number(row.easedP99OfBare.median)] : []),
    ].join(' | '),
  )
  return [
    `### ${name}: \`${path}\` ${SAID[path]}`,
    '',
    '| server | requests/s | of bare | of the floor | CPU µs a request | over bare | p50 ms | p99 ms | p99 of bare |' +
      (eased ? ' eased |' : ''),
    `| --- |${' ---: |'.repeat(eased ? 9 : 8)}`,
    ...lines.map((line) => `| ${line} |`),
    '',
  ].join('\n')
}

/** Rewrites the figures of the page, and its chart. */
export function writePage(report) {
  const page = readFileSync(PAGE, 'utf8')
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for the figures`)
  const { cpu, cores, node, polls } = report.machine
  const { rounds, seconds } = report.plan
  const said = `${cpu}, ${cores} cores, Node ${node}${polls ? ', idle cores poll before they halt' : ''}; ${rounds} rounds of ${seconds} s; ${new Date().toISOString().slice(0, 10)}.`
  const figures = [BEGIN, '', said, '', ...report.groups.map(tableOf), END].join('\n')
  writeFileSync(PAGE, page.slice(0, begin) + figures + page.slice(end + END.length))
  for (const path of Object.keys(SAID)) {
    writeFileSync(`docs/performance-${path.slice(1)}.svg`, chartOf(report, path))
  }
}

/** A chart of one path on memory: the share of the bare framework's requests that each library leaves. */
export function chartOf({ groups }, path) {
  const echarts = createRequire(new URL('../peers/package.json', import.meta.url))('echarts')
  const bars = groups
    .filter((group) => group.path === path && group.store === 'memory')
    .flatMap(({ framework, rows }) =>
      rows.slice(1).map(({ library, ofBare }) => ({
        label: `${framework}: ${library}`,
        share: Number(ofBare.median.toFixed(3)),
        ours: library.startsWith('sojourn'),
        floor: library === 'floor',
      })),
    )
    .toReversed()
  const height = 70 + bars.length * 22
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 820, height })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: `Requests per second, as a share of the bare framework: ${SAID[path]}`,
      textStyle: { fontSize: 14 },
    },
    grid: { left: 240, right: 60, top: 40, bottom: 30 },
    xAxis: { type: 'value', min: 0 },
    yAxis: { type: 'category', data: bars.map(({ label }) => label), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        label: { show: true, position: 'right', formatter: ({ value }) => value.toFixed(2) },
        data: bars.map(({ share, ours, floor }) => ({
          value: share,
          itemStyle: { color: ours ? '#1b6ac9' : floor ? '#9aa5b1' : '#d9822b' },
        })),
      },
    ],
  })
  const svg = chart.renderToSVGString()
  // Its timer would keep the process alive for good.
  chart.dispose()
  return svg
}
