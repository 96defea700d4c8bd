import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

/** Someone who has signed up. */
export interface User {
  readonly id: string
  readonly name: string
}

/** The people of the demo. */
export interface Users {
  /** Makes a user; `undefined` when the name is taken. */
  signup(name: string, password: string): Promise<User | undefined>
  /** The user of this name and password. Takes as long for a name that nobody has. */
  login(name: string, password: string): Promise<User | undefined>
  byId(id: string): User | undefined
}

// One of OWASP's settings for scrypt: 32 MiB and a good part of a second of one core for each attempt. A site that
// is open to the world also bounds how many attempts it makes at once and for one name.
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 2 ** 20 }
const HASH_BYTES = 32
// Compared where there is no such user, so that the answer takes as long.
const NOBODY = { salt: Buffer.alloc(16), hash: Buffer.alloc(HASH_BYTES) }

/** Keeps users in a table of their own, beside the sessions. */
export function createUsers(db: DatabaseSync): Users {
  db.exec(`CREATE TABLE IF NOT EXISTS demo_users (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE UNIQUE, salt BLOB NOT NULL, hash BLOB NOT NULL
  ) STRICT`)
  const insert = db.prepare(
    'INSERT INTO demo_users (id, name, salt, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const byName = db.prepare('SELECT id, name, salt, hash FROM demo_users WHERE name = ?')
  const byId = db.prepare('SELECT id, name FROM demo_users WHERE id = ?')
  return {
    async signup(name, password) {
      const user = { id: randomUUID(), name }
      const salt = randomBytes(16)
      const { changes } = insert.run(user.id, name, salt, await hashOf(password, salt))
      return Number(changes) === 1 ? user : undefined
    },

    async login(name, password) {
      const row = byName.get(name)
      const { salt, hash } = (row ?? NOBODY) as { salt: Uint8Array; hash: Uint8Array }
      const right = timingSafeEqual(await hashOf(password, salt), hash)
      return row && right ? { id: String(row['id']), name: String(row['name']) } : undefined
    },

    byId(id) {
      const row = byId.get(id)
      return row && { id: String(row['id']), name: String(row['name']) }
    },
  }
}

function hashOf(password: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, COST, (error, hash) => {
      if (error) reject(error)
      else resolve(hash)
    })
  })
}
