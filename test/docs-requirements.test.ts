// The tables in docs/security.md answer every requirement by a test or a reason. `docs.test.ts` sees to it that the
// tests are there; this, that no requirement is forgotten and no answer empty.
import { describe, expect, it } from 'vitest'
import { read } from './docs/pages.ts'

const ASVS = `
  7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 7.6.1 7.6.2
  3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 3.5.1 3.5.2 3.5.3 3.5.4 3.5.8 4.2.5 4.4.3 4.4.4 8.2.4 8.3.2 9.1.1 9.1.2 9.1.3 9.2.1
  9.2.2 9.2.3 9.2.4 10.1.1 10.1.2 10.5.5 11.2.4 11.5.1 13.3.1 14.2.1 14.3.1 14.3.3 15.3.7 16.2.5`
// These are about the application alone: storage in the page, what a token's presence means, where the logout is.
const APPLICATION = new Set(['O10', 'N15', 'N16', 'N17'])
const OTHERS = [...numbered('O', 30), ...numbered('C', 21), ...numbered('N', 18)]
const REQUIRED = [
  ...ASVS.trim()
    .split(/\s+/)
    .map((id) => `V${id}`),
  ...OTHERS.filter((id) => !APPLICATION.has(id)),
]

interface Row {
  readonly ids: readonly string[]
  readonly cells: readonly string[]
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)
}

/** The rows of the tables whose first cell names requirements. */
function rowsOf(page: string): Row[] {
  const lines = page.split('\n').filter((line) => /^\| [VOCN]\d/.test(line))
  return lines.map((line) => {
    const [ids = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    return { ids: ids.split(', ').flatMap(spelledOut), cells }
  })
}

/** `V9.2.2 to V9.2.4` names three. */
function spelledOut(ids: string): string[] {
  const [first = '', last] = ids.split(' to ')
  if (last === undefined) return [first]
  const [, chapter = '', from = '', to = ''] = /^(.+\.)(\d+) to .+\.(\d+)$/.exec(ids) ?? []
  return numbered(chapter, Number(to)).slice(Number(from) - 1)
}

const rows = rowsOf(read('docs/security.md'))

describe('the tables of requirements', () => {
  it('answer each requirement once', () => {
    const answered = rows.flatMap(({ ids }) => ids)
    expect(answered.toSorted()).toEqual(REQUIRED.toSorted())
  })

  it('say of each what is asked for, what is done, and which test shows it or why there is none', () => {
    const vague = rows.filter(({ cells: [asked = '', done = '', shown = ''] }) => {
      const answered = /\]\(\.\.\/[\w./-]+\.ts\)/.test(shown) || /^reason: .{10}/.test(shown)
      return asked === '' || done === '' || !answered
    })
    expect(vague).toEqual([])
  })
})
