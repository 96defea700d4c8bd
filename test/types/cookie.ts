import { createCookieBackend, createMemoryRevocations } from '../../src/backends/cookie.ts'
import type { CookieBackend, RevocationStore } from '../../src/backends/cookie.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager, isSessionBackend } from '../../src/index.ts'
import type { Backend, SessionBackend, StatelessBackend } from '../../src/index.ts'

const secrets = ['a secret for the tests, of more than 32 characters'] as const
const audience = 'test'

// Whether anything but time ends a session is in the type.
const none = createCookieBackend({ secrets, audience })
const store = createCookieBackend({ secrets, audience, revocations: createMemoryRevocations() })
export const without: 'none' = none.revocation
export const withStore: 'store' = store.revocation
export const revocable: CookieBackend<'store'> = store
// @ts-expect-error
export const notRevocable: CookieBackend<'store'> = none
declare const perhaps: RevocationStore | undefined
const either = createCookieBackend({ secrets, audience, revocations: perhaps })
export const unknown: 'none' | 'store' = either.revocation
// @ts-expect-error
export const unsure: 'none' = either.revocation

// So is that writes are not compared, and that it is not all that a backend with a store is.
export const writes: 'none' = none.conditionalWrites
export const stateless: StatelessBackend = none
export const backend: Backend = none
// @ts-expect-error
export const whole: SessionBackend = none
// @ts-expect-error
export const memory: StatelessBackend = createMemoryBackend()
createSessionManager<number>({ backend: none })
if (isSessionBackend(backend)) void backend.list('ann')

// A `RevocationStore` may answer with promises or without.
export const immediate: RevocationStore = { notBefore: () => undefined, setNotBefore: () => true }
export const later: RevocationStore = {
  notBefore: async () => 1,
  setNotBefore: async (_name: string, ms: number, keepMs: number) => ms < keepMs,
}
// @ts-expect-error
export const text: RevocationStore = { notBefore: () => '1', setNotBefore: () => true }

// Both of these are needed, and nothing else that other libraries take is known.
// @ts-expect-error
createCookieBackend({ secrets })
// @ts-expect-error
createCookieBackend({ audience })
// @ts-expect-error
createCookieBackend({ secrets, audience, ttl: 60 })
// @ts-expect-error
createCookieBackend({ secrets: secrets[0], audience })
