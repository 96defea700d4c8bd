// What every server of the benchmark keeps for its visitor, and what it answers.

/** A small session of a visitor who is logged in: 103 bytes of JSON. */
export const valueOf = (n) => ({
  user: { id: 4711, name: 'Ada Lovelace', roles: ['reader'] },
  locale: 'en-GB',
  theme: 'dark',
  n,
})

/** For the libraries that sign or seal. */
export const SECRET = 'a secret of the benchmark, at least 32 characters'

/** Every library's cookie lives for a day. */
export const DAY = 86_400

export const NONE = { ok: true }
export const nameOf = (value) => ({ name: value.user.name })
export const countOf = (n) => ({ n })
