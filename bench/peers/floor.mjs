// Not a library: the least code that works by hand. Finds the cookie by scanning, hashes the key before the store sees
// it, loads when asked, makes one call of the store. No timeouts, no conditional write, no limits: `guarded.mjs` has them.
import { hash, randomBytes } from 'node:crypto'
import { ATTRIBUTES, keyIn, NAME } from './cookie.mjs'
import { guardedVisits } from './guarded.mjs'
import { valueOf } from './value.mjs'

/** @param {{ get(id: string): Promise<string | null | undefined>, set(id: string, text: string): Promise<unknown> }} store */
function createFloor(store) {
  const load = async (key) => {
    const id = hash('sha256', key, 'base64url')
    return { id, value: JSON.parse(await store.get(id)) }
  }
  return {
    /** Gives the key. */
    login: async () => {
      const key = randomBytes(32).toString('base64url')
      await store.set(hash('sha256', key, 'base64url'), JSON.stringify(valueOf(0)))
      return key
    },
    read: async (key) => (await load(key)).value,
    count: async (key) => {
      const { id, value } = await load(key)
      value.n++
      await store.set(id, JSON.stringify(value))
      return value.n
    },
  }
}

/** What the endpoints of a server do by it. `cookieOf` and `setHeader` take what the framework hands to a handler. */
function floorVisits(store, { cookieOf, setHeader }) {
  const floor = createFloor(store)
  return {
    login: async (...given) => {
      // Nothing is given back: a reply of Fastify is a promise of its own end.
      setHeader('Set-Cookie', NAME + (await floor.login()) + ATTRIBUTES, ...given)
    },
    read: (...given) => floor.read(keyIn(cookieOf(...given))),
    count: (...given) => floor.count(keyIn(cookieOf(...given))),
  }
}

/** Where handlers take the request and response of `node:http`. */
export const onNode = {
  cookieOf: (request) => request.headers.cookie,
  setHeader: (name, value, _request, response) => response.setHeader(name, value),
}

/** The two servers of a framework: `on` says where its handlers find headers, `serve` makes a server of what they do. */
export const floors = (on, serve) => ({
  floor: (store) => serve(floorVisits(store.floor, on)),
  'floor (guarded)': ({ isMemory }) => {
    if (!isMemory) throw new Error('the guarded floor has its sessions in memory')
    return serve(guardedVisits(on))
  },
})
