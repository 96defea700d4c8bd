import { createMemoryBackend } from '../../../src/backends/memory.ts'
import { createSessionManager, InvalidValueError } from '../../../src/index.ts'
import type { Codec, RequestSessionOf } from '../../../src/index.ts'

/** What the sessions of all samples hold. Only the codec says so: from there it reaches each handler. */
interface Cart {
  readonly items: readonly string[]
}

const codec: Codec<Cart> = {
  encode: ({ items }) => items.join(),
  decode: (text) => {
    if (text === '') throw new InvalidValueError('no cart')
    return { items: text.split(',') }
  },
}

export const sessions = createSessionManager({ backend: createMemoryBackend(), codec })

/** What each framework is told. */
export type CartSession = RequestSessionOf<typeof sessions>
