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

// OWASP's figures for scrypt: N = 2^17, r = 8, p = 1, which takes 128 MiB for a moment.
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 160 * 2 ** 20 }
const HASH_BYTES = 32
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
