import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createSessionManager } from '../../src/index.ts'
import { make } from '../backends/cookie/fixture.ts'
import { cookieHeaders } from '../http/hostile-headers.ts'

const NAME = '__Host-session'
const VALUE = 'x'.repeat(8000)
const sessions = createSessionManager({ backend: make({ maxBytes: 12_288 }).backend })

/** The cookies of one session, by their names. */
async function cookiesOf(value: unknown): Promise<Map<string, string>> {
  const fields = sessions.toCookieHeaders(await sessions.generate(value))
  const pairs = fields
    .filter(([name, line]) => name === 'Set-Cookie' && !line.includes('Max-Age=0'))
    .map(([, line]) => line.split(';')[0]?.split('=') as [string, string])
  return new Map(pairs)
}

function headerOf(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map((pair) => pair.join('=')).join('; ')
}

let mine: Map<string, string>
let other: Map<string, string>

beforeAll(async () => {
  mine = await cookiesOf(VALUE)
  other = await cookiesOf(VALUE)
})

/** Whether the header leads to a session. */
async function isFound(header: string): Promise<boolean> {
  return (await sessions.fromHeaders(header)).ok
}

describe('the cookies of one session', () => {
  it('lead to it together', async () => {
    expect(mine.size).toBe(3)
    expect(await isFound(headerOf(mine))).toBe(true)
  })

  it('lead nowhere when two of them are exchanged, or their parts', async () => {
    const names = [...mine.keys()]
    for (const one of names) {
      for (const two of names) {
        if (one === two) continue
        const [left = '', right = ''] = [mine.get(one), mine.get(two)]
        const whole = new Map([...mine, [one, right], [two, left]])
        expect(await isFound(headerOf(whole))).toBe(false)
        const cut = (text: string) => text.lastIndexOf('~') + 1
        const parts = new Map([
          ...mine,
          [one, left.slice(0, cut(left)) + right.slice(cut(right))],
          [two, right.slice(0, cut(right)) + left.slice(cut(left))],
        ])
        expect(await isFound(headerOf(parts))).toBe(false)
      }
    }
  })

  it('lead nowhere with one of another session among them, whatever its tag says', async () => {
    for (const [name, value] of other) {
      expect(await isFound(headerOf(new Map([...mine, [name, value]])))).toBe(false)
      const own = mine.get(name) ?? ''
      const frame = own.slice(0, own.lastIndexOf('~') + 1)
      const forged = frame + value.slice(value.lastIndexOf('~') + 1)
      expect(await isFound(headerOf(new Map([...mine, [name, forged]])))).toBe(false)
    }
  })

  it('lead nowhere when any character of them is another', async () => {
    const header = headerOf(mine)
    const places = fc.tuple(
      fc.nat(header.length - 1),
      fc.constantFrom('A', 'b', '~', '.', ';', '2'),
    )
    const found: string[] = []
    await fc.assert(
      fc.asyncProperty(places, async ([at, character]) => {
        // A space between two cookies may be anything that is no name.
        if (header[at] === character || header[at] === ' ') return
        const changed = header.slice(0, at) + character + header.slice(at + 1)
        if (await isFound(changed)) found.push(`${at} ${character}`)
      }),
      { numRuns: 2000 },
    )
    expect(found).toEqual([])
  })

  it('make nothing throw in whatever header they come', async () => {
    const values = [...mine.values()].map((value) => value.slice(0, 60))
    const headers = cookieHeaders(NAME, [...values, 'AAAAAAAA.short'])
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        expect(await isFound(header)).toBe(false)
        expect(typeof (await sessions.clearFromHeaders(header))).toBe('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})
