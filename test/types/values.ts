import { createFetchAdapter } from '../../src/adapters/fetch.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createRequestSession, createSessionManager, takeFlash } from '../../src/index.ts'
import type {
  Backend,
  Codec,
  RequestSession,
  ResponseHead,
  Session,
  SessionManager,
} from '../../src/index.ts'

interface Cart {
  readonly items: readonly string[]
}

declare const backend: Backend
declare const head: ResponseHead
declare const session: Session<Cart>
declare const cartCodec: Codec<Cart>

const sessions = createSessionManager<Cart>({ backend })

// Without a type argument nothing is assumed about the value; a codec says what it is.
export const untyped: SessionManager = createSessionManager({ backend })
export const inferred: SessionManager<Cart> = createSessionManager({ backend, codec: cartCodec })
// @ts-expect-error
createSessionManager<{ name: string }>({ backend, codec: cartCodec })

// generate and set take the value's type.
void sessions.generate({ items: [] })
// @ts-expect-error
void sessions.generate({ items: [1] })
// @ts-expect-error
void sessions.generate(undefined)
void sessions.set(session, { value: { items: ['tea'] } })
void sessions.set(session, { expiry: 60 })
// @ts-expect-error
void sessions.set(session, { value: 'tea' })
// @ts-expect-error
void sessions.set(session, { ttl: 60 })

// update gives and takes it, and resolves to it.
export const updated: Promise<Cart> = sessions.update(session, ({ items }) => ({
  items: [...items, 'tea'],
}))
void sessions.update(session, async (cart) => cart)
void sessions.update(session, () => undefined)
// @ts-expect-error
void sessions.update(session, () => 'tea')
// @ts-expect-error
void sessions.update(session, ({ items }) => ({ items: items.length }))
// @ts-expect-error
void sessions.update(session, (cart) => cart.items.push('tea'))

// A session of one type is not handed to a manager of another.
declare const counters: SessionManager<number>
// @ts-expect-error
void counters.set(session, { expiry: 60 })

// What was looked up has a session only when it says so.
const found = await sessions.fromKey('')
// @ts-expect-error
void found.session
if (found.ok) {
  const cart: Cart = found.session.value
  void cart
} else {
  const reason: 'not_found' | 'not_set' | 'invalid' = found.reason
  void reason
  // @ts-expect-error
  void found.session
}

// The request's view has the same type, and may find nothing.
export const request: RequestSession<Cart> = createRequestSession(sessions, null, head)
export const loaded: Promise<Session<Cart> | undefined> = request.load()
// @ts-expect-error
export const assumed: Promise<Session<Cart>> = request.load()
void request.set({ items: [] })
// @ts-expect-error
void request.set({ items: 1 })
void request.update((cart) => ({ items: [...(cart?.items ?? []), 'tea'] }))
// @ts-expect-error
void request.update((cart) => ({ items: [...cart.items, 'tea'] }))
void request.bind('alice', { items: [] })
void request.bind('alice', { items: [] }, { carryOver: ({ items }) => ({ items }) })
void sessions.bind(session, 'alice', { carryOver: async (cart) => cart })
// @ts-expect-error
void request.bind('alice', { items: [] }, { carryOver: ({ items }) => items })
// @ts-expect-error
void sessions.bind(session, 'alice', { carryOver: () => undefined })
// A renewal says whether there is another key; a rotation says nothing.
export const renewed: Promise<boolean> = sessions.renew(session)
// @ts-expect-error
void sessions.renew(session, { authenticated: true })
// @ts-expect-error
export const rotated: Promise<boolean> = sessions.rotate(session)
// @ts-expect-error
void request.bind('alice', 'tea')

// Both adapters hand the type on.
export const node: (...given: Parameters<ReturnType<typeof createNodeAdapter>>) => typeof request =
  createNodeAdapter(sessions)
createFetchAdapter(sessions)(async (_request: Request, view) => {
  const value: Cart | undefined = await view.update((cart) => cart)
  return Response.json(value)
})
createFetchAdapter(sessions)(async (_request: Request, view) => {
  // @ts-expect-error
  await view.set('tea')
  return new Response()
})

// A flash is an optional field of the value, and has its type.
declare const visit: RequestSession<{ cart: string[]; note?: string; codes?: number[] }>
export const note: Promise<string | undefined> = takeFlash(visit, 'note')
export const codes: Promise<readonly number[] | undefined> = takeFlash(visit, 'codes', {
  expiry: 60,
})
// What is left of the value must be one that can be written.
type Noted<At> = { at: At; note?: string }
declare const coerced: RequestSession<Noted<Date>, Noted<unknown>>
export const coercedNote: Promise<string | undefined> = takeFlash(coerced, 'note')
declare const parsed: RequestSession<Noted<Date>, Noted<string>>
// @ts-expect-error
void takeFlash(parsed, 'note')
// @ts-expect-error
export const taken: Promise<string> = takeFlash(visit, 'note')
// @ts-expect-error
void takeFlash(visit, 'cart')
// @ts-expect-error
void takeFlash(visit, 'other')
declare const unknownVisit: RequestSession
// @ts-expect-error
void takeFlash(unknownVisit, 'note')
