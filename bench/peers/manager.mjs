// Sojourn as all servers use it: its defaults, but a cookie that also plain HTTP carries.
import { createCookieBackend } from '../../dist/backends/cookie.js'
import { createSessionManager } from '../../dist/index.js'
import { DAY, SECRET, valueOf } from './value.mjs'

const cookie = { name: 'sojourn', secure: false }

export const createManager = (backend) => createSessionManager({ backend, cookie })

export const createCookieManager = () =>
  createManager(createCookieBackend({ secrets: [SECRET], audience: 'bench', period: DAY }))

/** What the three endpoints and the login do with a request's session. */
export const login = (session) => session.set(valueOf(0))
export const read = async (session) => (await session.load()).value
export const count = async (session, options) =>
  (await session.update((value) => ({ ...value, n: value.n + 1 }), options)).n
