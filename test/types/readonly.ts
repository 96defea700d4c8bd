import type { DeepReadonly, Session, SessionManager } from '../../src/index.ts'

interface Cart {
  items: { id: string; amount: number }[]
  pair: [first: { n: number }, second?: string]
  prices: Map<string, { cents: number }>
  seen: Set<{ id: string }>
  at: Date
  bytes: Uint8Array
  note?: { text: string }
  parent: Cart | null
  show: (cart: Cart) => string
}

declare const session: Session<Cart>
declare const sessions: SessionManager<Cart>
const { value } = session

// Nothing in a value that was loaded can be written.
// @ts-expect-error
value.items = []
// @ts-expect-error
value.items.push({ id: 'tea', amount: 1 })
// @ts-expect-error
value.items[0] = { id: 'tea', amount: 1 }
// @ts-expect-error
for (const item of value.items) item.amount++
// @ts-expect-error
value.pair[0].n = 1
// @ts-expect-error
value.pair[1] = 'b'
// @ts-expect-error
value.prices.set('tea', { cents: 1 })
// @ts-expect-error
for (const price of value.prices.values()) price.cents++
// @ts-expect-error
value.seen.add({ id: 'tea' })
// @ts-expect-error
for (const seen of value.seen) seen.id = ''
// @ts-expect-error
value.at = new Date()
// @ts-expect-error
if (value.note) value.note.text = ''
// @ts-expect-error
if (value.parent?.parent) value.parent.parent.items = []

// Reading is as before.
export const reads: readonly unknown[] = [
  value.items.map(({ id, amount }) => `${id} ${amount}`),
  value.pair[0].n,
  value.prices.get('tea')?.cents,
  value.at.getTime(),
  value.bytes.length,
  value.parent?.items.at(-1)?.id,
]
export const at: Date = value.at
export const bytes: Uint8Array = value.bytes

// What was made out of it is written back, deep parts and all.
void sessions.set(session, { value })
void sessions.update(session, (cart) => cart)
void sessions.update(session, (cart) => ({
  ...cart,
  items: [...cart.items, { id: '', amount: 1 }],
}))
void sessions.update(session, async ({ prices, ...cart }) => ({
  ...cart,
  prices: new Map(prices).set('tea', { cents: 1 }),
}))
// So is what nobody has closed.
declare const open: Cart
void sessions.generate(open)
void sessions.set(session, { value: open })
export const updated: Promise<DeepReadonly<Cart>> = sessions.update(session, () => open)

// A change in place, which nobody would store, does not compile; nor does one that is returned.
declare const counters: SessionManager<{ count: number }>
declare const counter: Session<{ count: number }>
void counters.update(counter, (value) => {
  // @ts-expect-error
  value.count++
})
void counters.update(counter, (value) => {
  // @ts-expect-error
  value.count++
  return value
})
void counters.update(counter, (value) => ({ ...value, count: value.count + 1 }))
// @ts-expect-error
void counters.update(counter, (value) => ({ ...value, count: `${value.count}` }))

// What has no inside, or is not known, stays what it is.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type All<T extends readonly true[]> = T
export type Kept = All<
  [
    Same<DeepReadonly<number>, number>,
    Same<DeepReadonly<string & { brand: 1 }>, string & { brand: 1 }>,
    Same<DeepReadonly<unknown>, unknown>,
    // oxlint-disable-next-line typescript/no-explicit-any
    Same<DeepReadonly<any>, any>,
    Same<DeepReadonly<string | null>, string | null>,
    Same<DeepReadonly<Date>, Date>,
    Same<DeepReadonly<() => void>, () => void>,
    Same<DeepReadonly<string[]>, readonly string[]>,
    Same<DeepReadonly<readonly [a: string[], b?: 1]>, readonly [a: readonly string[], b?: 1]>,
    Same<DeepReadonly<[a: 1[], ...2[][]]>, readonly [a: readonly 1[], ...(readonly 2[])[]]>,
    Same<DeepReadonly<Map<{ a: 1 }, Set<1>>>, ReadonlyMap<{ readonly a: 1 }, ReadonlySet<1>>>,
    Same<DeepReadonly<Record<string, 1[]>>, { readonly [x: string]: readonly 1[] }>,
  ]
>

// JSON, which is defined by itself.
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
declare const anything: SessionManager<Json>
void anything.generate({ a: [1, { b: null }] })
// @ts-expect-error
void anything.generate(() => 1)

// Code that is written for every type of value.
export async function keep<V>(manager: SessionManager<V>, one: Session<V>): Promise<void> {
  await manager.set(one, { value: one.value })
  await manager.update(one, (value) => value)
}
export async function replace<V>(manager: SessionManager<V>, one: Session<V>, value: V) {
  await manager.generate(value)
  await manager.set(one, { value })
  await manager.update(one, () => value)
}
