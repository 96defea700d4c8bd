/** The methods that change something which `Object.freeze` does not stop. */
const MUTATORS: readonly (readonly [prototype: object, names: readonly string[]])[] = [
  [Map.prototype, ['set', 'delete', 'clear']],
  [Set.prototype, ['add', 'delete', 'clear']],
  [
    Date.prototype,
    Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set')),
  ],
]

const REFUSAL: PropertyDescriptor = {
  value: function refuse(): never {
    throw new TypeError('the value of a session is read-only: write it with set or update')
  },
}

/**
 * Freezes `value` and everything in it: objects, arrays, what maps and sets hold; a `Map`, `Set` or `Date` refuses to
 * be changed. Functions stay as they are, and so do bytes, which cannot be frozen. No getter is called.
 */
export function freezeDeeply<T>(value: T): T {
  const seen = new Set<unknown>()
  const open: unknown[] = [value]
  // Not by recursion: a value may be nested as deep as its codec can go.
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part !== 'object' || part === null || seen.has(part)) continue
    if (ArrayBuffer.isView(part)) continue
    seen.add(part)
    for (const inner of partsOf(part)) open.push(inner)
    close(part)
  }
  return value
}

function* partsOf(whole: object): Iterable<unknown> {
  if (whole instanceof Map) for (const entry of whole) yield* entry
  if (whole instanceof Set) yield* whole
  for (const { value } of Object.values(Object.getOwnPropertyDescriptors(whole))) yield value
}

function close(part: object): void {
  for (const [prototype, names] of MUTATORS) {
    if (!Object.isExtensible(part) || !Object.prototype.isPrototypeOf.call(prototype, part))
      continue
    for (const name of names) Object.defineProperty(part, name, REFUSAL)
  }
  Object.freeze(part)
}
