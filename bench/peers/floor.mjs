// Not a library: the least code that works by hand. Finds the cookie by scanning, hashes the key before the store sees
// it, loads when asked, makes one call of the store. No timeouts, no conditional write, no limits.
import { hash, randomBytes } from 'node:crypto'
import { valueOf } from './value.mjs'

const NAME = 'floor='

/** @param {{ get(id: string): Promise<string | null | undefined>, set(id: string, text: string): Promise<unknown> }} store */
function createFloor(store) {
  const load = async (header) => {
    const id = hash('sha256', keyIn(header), 'base64url')
    return { id, value: JSON.parse(await store.get(id)) }
  }
  return {
    /** Gives the line of `Set-Cookie`. */
    login: async () => {
      const key = randomBytes(32).toString('base64url')
      await store.set(hash('sha256', key, 'base64url'), JSON.stringify(valueOf(0)))
      return `${NAME}${key}; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400`
    },
    read: async (header) => (await load(header)).value,
    count: async (header) => {
      const { id, value } = await load(header)
      value.n++
      await store.set(id, JSON.stringify(value))
      return value.n
    },
  }
}

/**
 * What the endpoints of a server do by it. `cookieOf` and `setCookie` take what the framework hands to a handler.
 */
export function floorVisits(store, cookieOf, setCookie) {
  const floor = createFloor(store)
  return {
    login: async (...given) => void setCookie(await floor.login(), ...given),
    read: (...given) => floor.read(cookieOf(...given)),
    count: (...given) => floor.count(cookieOf(...given)),
  }
}

/** The same where handlers take the request and response of `node:http`. */
export const nodeFloorVisits = (store) =>
  floorVisits(
    store,
    (request) => request.headers.cookie,
    (line, _request, response) => response.setHeader('Set-Cookie', line),
  )

function keyIn(header = '') {
  let start = header.indexOf(NAME)
  while (start > 0 && header[start - 1] !== ' ' && header[start - 1] !== ';') {
    start = header.indexOf(NAME, start + 1)
  }
  if (start < 0) throw new Error('no cookie')
  const end = header.indexOf(';', start)
  return header.slice(start + NAME.length, end < 0 ? undefined : end)
}
