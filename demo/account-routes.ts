import type { SessionManager } from '../src/index.ts'
import { accountPage, doorPage } from './account-pages.ts'
import type { Door } from './account-pages.ts'
import { seeOther } from './answer.ts'
import type { Answer, Exchange, Route } from './answer.ts'
import { deviceOf } from './device.ts'
import { FIRST_VISIT } from './shop.ts'
import type { Visit } from './shop.ts'
import type { User, Users } from './users.ts'
import { frameOf, userOf } from './visitor.ts'

const NOTES: Readonly<Record<string, string>> = {
  account: 'Log in to see your account.',
  ended: 'Your session has ended. Nothing was changed; log in to go on.',
  left: 'You are logged out on this device.',
  everywhere: 'You are logged out on all your devices.',
}
const PROBLEMS: Readonly<Record<Door, string>> = {
  login: 'That name and password do not go together.',
  signup: 'Somebody has that name already.',
}
const TO_LOGIN = seeOther('/login?note=account')

/** Signing up, logging in and out, and the devices of a user. */
export function accountRoutes(
  sessions: SessionManager<Visit>,
  users: Users,
): Readonly<Record<string, Route>> {
  return {
    'GET /login': (exchange) => showDoor('login', exchange, users),
    'GET /signup': (exchange) => showDoor('signup', exchange, users),
    'POST /login': (exchange) => passDoor('login', exchange, users),
    'POST /signup': (exchange) => passDoor('signup', exchange, users),

    'GET /account': async ({ session }) => {
      const user = await userOf(session, users)
      if (user === undefined) return TO_LOGIN
      const devices = await sessions.list(user.id, { current: await session.load() })
      return { page: accountPage(await frameOf(session, users), user, devices) }
    },

    'POST /devices/revoke': (exchange) => revoke(exchange, sessions, users),

    'POST /logout': async ({ session }) => {
      await session.clear()
      return seeOther('/login?note=left')
    },

    'POST /logout-everywhere': async ({ session }) => {
      const user = await userOf(session, users)
      if (user === undefined) return TO_LOGIN
      await sessions.clearSubject(user.id)
      // This one is gone with the others; what is left of it is the cookie.
      await session.clear()
      return seeOther('/login?note=everywhere')
    },
  }
}

async function showDoor(door: Door, { session, fields }: Exchange, users: Users): Promise<Answer> {
  const note = fields.get('note') ?? ''
  const frame = await frameOf(session, users)
  const flash = Object.hasOwn(NOTES, note) ? NOTES[note] : frame.flash
  return { page: doorPage(door, { ...frame, flash }) }
}

async function passDoor(door: Door, exchange: Exchange, users: Users): Promise<Answer> {
  const { session, fields } = exchange
  const name = (fields.get('name') ?? '').trim()
  const password = fields.get('password') ?? ''
  const problem = problemOf(door, name, password)
  const user = problem === undefined ? await users[door](name, password) : undefined
  if (user !== undefined) return enter(exchange, user, door)
  const frame = await frameOf(session, users)
  return { status: 422, page: doorPage(door, frame, { name, text: problem ?? PROBLEMS[door] }) }
}

/** Binds the session to the user under a new key: whoever knew the key before the login knows nothing now. */
async function enter({ request, session }: Exchange, user: User, door: Door): Promise<Answer> {
  const labels = { device: deviceOf(request.headers['user-agent']) }
  await session.bind(user.id, FIRST_VISIT, { labels })
  const flash = door === 'login' ? 'Welcome back.' : 'Welcome. Your cart has come along.'
  await session.update((visit = FIRST_VISIT) => ({ ...visit, flash }))
  return seeOther('/account')
}

async function revoke(
  { session, fields }: Exchange,
  sessions: SessionManager<Visit>,
  users: Users,
): Promise<Answer> {
  const user = await userOf(session, users)
  if (user === undefined) return TO_LOGIN
  const handle = fields.get('handle') ?? ''
  // A handle is no secret and no proof: it has to be one of the user's own.
  const own = (await sessions.list(user.id)).some((device) => device.handle === handle)
  const ended = own && (await sessions.clearHandle(handle))
  const flash = ended ? 'That device is logged out.' : 'No such device is logged in.'
  await session.update((visit = FIRST_VISIT) => ({ ...visit, flash }))
  return seeOther('/account')
}

function problemOf(door: Door, name: string, password: string): string | undefined {
  if (name === '' || name.length > 40) return 'A name has 1 to 40 characters.'
  if (password.length > 200) return 'A password has at most 200 characters.'
  if (door === 'signup' && password.length < 8) return 'A password has at least 8 characters.'
  return undefined
}
