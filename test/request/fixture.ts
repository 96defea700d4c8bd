import type {
  HeaderField,
  RequestSession,
  RequestSessionOptions,
  ResponseHead,
} from '../../src/index.ts'
import { createRequestSession } from '../../src/index.ts'
import type { Fixture, FixtureOptions } from '../manager/fixture.ts'
import { cookieOf, createManager } from '../manager/fixture.ts'

/** A response's headers, as a plain object. */
export interface FakeHead extends ResponseHead {
  /** What was written, call by call. */
  readonly writes: (readonly HeaderField[])[]
  /** Sends the headers off. */
  readonly send: () => void
}

export function createHead(): FakeHead {
  const writes: (readonly HeaderField[])[] = []
  let gone = false
  return {
    writes,
    send: () => void (gone = true),
    sent: () => gone,
    write: (fields) => {
      if (gone) throw new Error('a header was written after the headers had gone')
      writes.push(fields)
    },
  }
}

/** The `Set-Cookie` lines in what was written. */
export function cookiesIn(head: FakeHead): string[] {
  return head.writes.flat().flatMap(([name, value]) => (name === 'Set-Cookie' ? [value] : []))
}

export interface RequestFixture extends Fixture<unknown> {
  readonly head: FakeHead
  readonly request: RequestSession
}

/** What a request's cookie may name. */
export type State = 'no_cookie' | 'malformed' | 'not_found' | 'not_set' | 'found' | 'invalid'

/** A request whose cookie is as `state` says, on a store whose calls so far are forgotten. */
export async function createRequest(
  state: State,
  { options, ...rest }: FixtureOptions<unknown> & { readonly options?: RequestSessionOptions } = {},
): Promise<RequestFixture & { readonly key: string }> {
  const made = createManager(rest)
  const key = await keyFor(state, made)
  made.store.calls.length = 0
  made.store.given.length = 0
  const head = createHead()
  const headers = state === 'no_cookie' ? undefined : cookieOf(key)
  return {
    ...made,
    key,
    head,
    request: createRequestSession(made.sessions, headers, head, options),
  }
}

async function keyFor(state: State, { backend }: Fixture<unknown>): Promise<string> {
  if (state === 'no_cookie' || state === 'malformed') return 'asdfjk'
  const value = state === 'not_set' ? undefined : state === 'invalid' ? '{"secret"' : '"old"'
  const key = await backend.generate({ value })
  if (state === 'not_found') await backend.clear(key)
  return key
}
