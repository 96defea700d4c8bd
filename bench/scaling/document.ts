const MARKED = /(<!-- scaling: (\w+) -->\n)[^]*?(<!-- scaling: end -->)/g

/** The names of the tables that a page has places for, in its order. */
export function placesIn(page: string): string[] {
  return [...page.matchAll(MARKED)].map(([, , name = '']) => name)
}

/** The page with the tables in their places. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return page.replaceAll(MARKED, (all, begin: string, name: string, end: string) => {
    const table = tables[name]
    return table === undefined ? all : `${begin}${table}\n${end}`
  })
}
