// The session that every benchmark reads and writes, and the request that brings it.

/** How many there are of it. */
export const SESSIONS = 10_000
/** The name of its cookie. */
export const NAME = '__Host-session'

/** A small logged-in session: 330 bytes of JSON. */
export const valueOf = (count) => ({
  user: { id: 4711, name: 'Ada Lovelace', roles: ['reader', 'editor'] },
  cart: [
    { id: 'p-1042', amount: 2, price: 1290 },
    { id: 'p-0007', amount: 1, price: 24900 },
    { id: 'p-3345', amount: 12, price: 45 },
  ],
  flash: null,
  locale: 'en-GB',
  theme: 'dark',
  lastPage: '/catalogue/instruments/analytical?page=3',
  count,
})

// An engine may write nothing where nothing changes, so no value is ever written twice.
let counted = SESSIONS
/** A value that has never been written. */
export const nextValue = () => valueOf(counted++)

/** A request's Cookie header, with the company that a session cookie usually has. */
export const headerOf = (key) =>
  `_ga=GA1.1.1234567890.1700000000; consent=yes; ${NAME}=${key}; theme=dark`

/** Any order but the one of creation, and the same for all. */
export function at(n) {
  return (n * 7919) % SESSIONS
}
