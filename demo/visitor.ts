import { takeFlash } from '../src/index.ts'
import type { RequestSession } from '../src/index.ts'
import { FIRST_VISIT } from './shop.ts'
import type { Visit } from './shop.ts'
import type { User, Users } from './users.ts'

/** What every page shows of its visitor. */
export interface Frame {
  readonly user: User | undefined
  readonly visit: Visit
  readonly flash: string | undefined
}

/** Who is logged in, if anybody is. */
export async function userOf(
  session: RequestSession<Visit>,
  users: Users,
): Promise<User | undefined> {
  const subject = (await session.load())?.subject
  return subject === undefined ? undefined : users.byId(subject)
}

/** What to show, with the flash message, which leaves the session on the way. */
export async function frameOf(session: RequestSession<Visit>, users: Users): Promise<Frame> {
  const user = await userOf(session, users)
  // Of two tabs that load at once, one shows the message.
  const flash = await takeFlash(session, 'flash')
  // Looking makes no session: it begins with the first thing worth keeping.
  const visit = (await session.load())?.value ?? FIRST_VISIT
  return { user, visit, flash }
}
