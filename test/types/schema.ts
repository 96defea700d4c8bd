import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { createExpressAdapter } from '../../src/adapters/express.ts'
import { createFastifyAdapter } from '../../src/adapters/fastify.ts'
import { createFetchAdapter } from '../../src/adapters/fetch.ts'
import { createH3Adapter } from '../../src/adapters/h3.ts'
import { createHonoAdapter } from '../../src/adapters/hono.ts'
import { createKoaAdapter } from '../../src/adapters/koa.ts'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import type { NodeRequest, NodeResponse } from '../../src/adapters/node.ts'
import { createSessionManager, jsonCodec } from '../../src/index.ts'
import type {
  Backend,
  Codec,
  Migrate,
  RequestSessionOf,
  SessionManager,
  StandardSchema,
} from '../../src/index.ts'

declare const backend: Backend

interface Cart {
  items: string[]
  theme: 'light' | 'dark'
}
interface CartInput {
  items: string[]
  theme?: 'light' | 'dark' | undefined
}

const zod = z.object({
  items: z.array(z.string()),
  theme: z.enum(['light', 'dark']).default('light'),
})
const valibot = v.object({
  items: v.array(v.string()),
  theme: v.optional(v.picklist(['light', 'dark']), 'light'),
})
const arktype = type({ items: 'string[]', theme: "'light' | 'dark' = 'light'" })

// The schema says what values are, without a type argument: its output is read, its input written.
const sessions = createSessionManager({ backend, schema: zod })
export const inferred: SessionManager<Cart, CartInput> = sessions
export const ofValibot: SessionManager<Cart, CartInput> = createSessionManager({
  backend,
  schema: valibot,
})
const ofArktype = createSessionManager({ backend, schema: arktype })

for (const manager of [sessions, ofValibot, ofArktype] as const) {
  const session = await manager.generate({ items: ['tea'] })
  const theme: 'light' | 'dark' = session.value.theme
  void theme
  // @ts-expect-error
  void session.value.thme
  // @ts-expect-error
  session.value.items.push('salt')
}
void sessions.generate({ items: [], theme: 'dark' })
// @ts-expect-error
void sessions.generate({ items: [], theme: 'blue' })
// @ts-expect-error
void sessions.generate({ items: [], thme: 'dark' })
// @ts-expect-error
void ofValibot.generate({ theme: 'dark' })
// @ts-expect-error
void ofArktype.generate({ items: [1] })

const session = await sessions.fromHeadersOrCreate(null, { items: [] })
void sessions.set(session, { value: { items: [] } })
// @ts-expect-error
void sessions.set(session, { value: { items: [1] } })
void sessions.update(session, (cart) => ({ ...cart, items: [...cart.items, cart.theme] }))
// @ts-expect-error
void sessions.update(session, (cart) => ({ ...cart, items: cart.items.length }))

// The request's view and both adapters hand the types on.
declare const request: NodeRequest
declare const response: NodeResponse
const node = createNodeAdapter(sessions)(request, response)
void node.set({ items: [] })
void node.loadOrCreate({ items: [] })
void node.bind('alice', { items: [] })
// @ts-expect-error
void node.bind('alice', { theme: 'dark' })
void node.update((cart) => ({ items: [...(cart?.items ?? []), 'tea'] }))
// @ts-expect-error
void node.update((cart) => ({ items: [...(cart?.item ?? []), 'tea'] }))
export const shown: 'light' | 'dark' | undefined = (await node.load())?.value.theme
createFetchAdapter(sessions)(async (_request: Request, view) => {
  await view.set({ items: [] })
  // @ts-expect-error
  await view.set({ items: 1 })
  const updated: Cart['theme'] | undefined = (await view.update((cart) => cart))?.theme
  return Response.json(updated)
})

declare const handed: RequestSessionOf<typeof sessions>
export const same: typeof node = handed
void createExpressAdapter(sessions)
void createFastifyAdapter(sessions)
void createHonoAdapter(sessions)
void createH3Adapter(sessions)
void createKoaAdapter(sessions)

// A schema that transforms: dates are read, and texts may be written.
const visits = createSessionManager({ backend, schema: z.object({ at: z.coerce.date() }) })
export const at: Date = (await visits.generate({ at: '2026-11-28' })).value.at
const parsed = createSessionManager({ backend, schema: type({ at: 'string.date.parse' }) })
const visit = await parsed.generate({ at: '2026-11-28' })
export const parsedAt: Date = visit.value.at
// @ts-expect-error
void parsed.generate({ at: 5 })
void parsed.update(visit, (value) => ({ at: value.at.toISOString() }))
// @ts-expect-error
void parsed.update(visit, (value) => value)

// What a codec gives is unknown until the schema has seen it; a codec of something else is refused.
export const coded: SessionManager<Cart, CartInput> = createSessionManager({
  backend,
  schema: zod,
  codec: jsonCodec,
})
declare const numbers: Codec<number>
// @ts-expect-error
createSessionManager({ backend, schema: zod, codec: numbers })

// A type argument and a schema must agree.
export const agreed = createSessionManager<Cart, CartInput>({ backend, schema: valibot })
// @ts-expect-error
createSessionManager<{ items: number[] }>({ backend, schema: valibot })
// @ts-expect-error
createSessionManager({ backend, schema: { parse: JSON.parse } })

// What is stored may be anything: a migration finds out.
const migrate: Migrate = async (value) => (Array.isArray(value) ? { items: value } : undefined)
createSessionManager({ backend, schema: zod, migrate })
createSessionManager({
  backend,
  schema: zod,
  migrate: (value, text) => {
    // @ts-expect-error
    void value.items
    return { items: [text] }
  },
})

// A schema of no library.
const byHand: StandardSchema<CartInput, Cart> = {
  '~standard': {
    version: 1,
    vendor: 'us',
    validate: () => Promise.resolve({ issues: [{ message: 'no', path: ['items', { key: 0 }] }] }),
  },
}
export const ours: SessionManager<Cart, CartInput> = createSessionManager({
  backend,
  schema: byHand,
})
