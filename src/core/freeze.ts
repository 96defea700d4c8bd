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
    for (const name of Object.getOwnPropertyNames(part)) {
      const inner: unknown = Object.getOwnPropertyDescriptor(part, name)?.value
      if (typeof inner === 'object') open.push(inner)
    }
    const prototype: unknown = Object.getPrototypeOf(part)
    if (prototype !== Object.prototype && prototype !== Array.prototype) closeSpecial(part, open)
    Object.freeze(part)
  }
  return value
}

function closeSpecial(part: object, open: unknown[]): void {
  if (part instanceof Map) for (const entry of part) open.push(...entry)
  if (part instanceof Set) for (const member of part) open.push(member)
  for (const [prototype, names] of MUTATORS) {
    if (!Object.isExtensible(part) || !Object.prototype.isPrototypeOf.call(prototype, part))
      continue
    for (const name of names) Object.defineProperty(part, name, REFUSAL)
  }
}
