// A session is merged key by key, by the JSON text of each: what the application has changed since it read the
// session goes over what the store holds by now, and what it has not changed stays as the store has it.

/** The data of a session: the JSON text of each top-level key but `cookie`. */
export type Texts = ReadonlyMap<string, string>

/** What an application has changed: the new text of a key, or `undefined` for one that it has removed. */
export type Change = ReadonlyMap<string, string | undefined>

/** The texts of `data`. What JSON leaves out – functions, `undefined` – has none. */
export function textsOf(data: object): Texts {
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(data)) {
    const text: string | undefined = key === 'cookie' ? undefined : JSON.stringify(value)
    if (text !== undefined) texts.set(key, text)
  }
  return texts
}

/** What is other in `now` than in `before`. */
export function changeOf(before: Texts, now: Texts): Change {
  const change = new Map<string, string | undefined>()
  for (const [key, text] of now) if (before.get(key) !== text) change.set(key, text)
  for (const key of before.keys()) if (!now.has(key)) change.set(key, undefined)
  return change
}

/** `texts` with `change` made to it. */
export function applyChange(texts: Texts, change: Change): Texts {
  const merged = new Map(texts)
  for (const [key, text] of change) {
    if (text === undefined) merged.delete(key)
    else merged.set(key, text)
  }
  return merged
}

/** The session as one JSON text, in the form in which express-session's stores keep it. */
export function jsonOf(texts: Texts, cookie: unknown): string {
  const fields = [...texts].map(([key, text]) => `,${JSON.stringify(key)}:${text}`)
  return `{"cookie":${JSON.stringify(cookie)}${fields.join('')}}`
}

/** The session as an object of its own, which nobody else holds. */
export function objectOf(texts: Texts): Record<string, unknown> {
  const entries = [...texts].map(([key, text]): [string, unknown] => [key, JSON.parse(text)])
  return Object.fromEntries(entries)
}
