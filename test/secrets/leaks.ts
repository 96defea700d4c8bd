import { format, inspect } from 'node:util'

// Everything secret in these tests holds this text, but for keys, which are drawn at random.
export const MARK = 'h1dden'
export const VALUE = { password: `${MARK}-value` }
export const SUBJECT = `${MARK}-subject`
export const COOKIE = `${MARK}-cookie`

const keys = new Set<string>()

/** Counts the key that a session has now among the secrets. */
export function keep<S extends { readonly key: string }>(session: S): S {
  keys.add(session.key)
  return session
}

/** Everything that a log, a debugger or an error page might print of `thing`. */
function printed(thing: unknown): string {
  const error = thing instanceof Error ? [thing.message, thing.stack] : []
  const all = { depth: 10, showHidden: true } as const
  return [
    ...error,
    String(thing),
    JSON.stringify(thing),
    JSON.stringify({ ...(thing as object) }),
    inspect(thing),
    inspect(thing, all),
    inspect(thing, { ...all, customInspect: false }),
    inspect({ nested: [thing] }, all),
    format('%s %o %O %j', thing, thing, thing, thing),
  ].join('\n')
}

/** The secrets that `thing` gives away. */
export function leaksOf(thing: unknown): string[] {
  return secretsIn(printed(thing))
}

/** The secrets that `text` holds. */
export function secretsIn(text: string): string[] {
  const halves = [...keys].flatMap((key) => [key, key.slice(-43)])
  return [MARK, ...halves].filter((secret) => text.includes(secret))
}
