// What `require` gives is the function, with the classes on it.
import session = require('../../../src/express-session.ts')

const store: session.Store = new session.MemoryStore()
const options: session.SessionOptions = { secret: 'k', store }
session(options)
// @ts-expect-error
session({})
