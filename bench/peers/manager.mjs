// Sojourn as all servers use it: its defaults, but a cookie that also plain HTTP carries.
import { createCookieBackend } from '../../dist/backends/cookie.js'
import { createSessionManager } from '../../dist/index.js'
import { DAY, SECRET, valueOf } from './value.mjs'

const cookie = { name: 'sojourn', secure: false }

export const createManager = (backend) => createSessionManager({ backend, cookie })

export const createCookieManager = () =>
  createManager(createCookieBackend({ secrets: [SECRET], audience: 'bench', period: DAY }))

/** What the endpoints of a server do. `sessionOf` takes what the framework hands to a handler. */
export const visitsOf = (sessionOf, options) => ({
  login: (...given) => sessionOf(...given).set(valueOf(0)),
  read: async (...given) => (await sessionOf(...given).load()).value,
  count: async (...given) => {
    const counted = (value) => ({ ...value, n: value.n + 1 })
    return (await sessionOf(...given).update(counted, options)).n
  },
})
