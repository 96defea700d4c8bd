import { describe, expect, it } from 'vitest'
import { createMemoryRevocations } from '../../src/backends/cookie.ts'
import { backendContract, createTestClock } from '../../src/testing/index.ts'
import { make, withJar } from './cookie/fixture.ts'

const NO_VERSIONS = 'nobody can compare a cookie with the one that another request has written'
const TOO_LARGE = 'a cookie holds a few kilobytes, and more is refused: see the tests of sizes'
const OLD_KEY = 'the old key goes on holding the old value: a write makes a new key'

const SKIP = {
  'a value of one mebibyte comes back the same': TOO_LARGE,
  'set without a value keeps the version, and with one changes it': NO_VERSIONS,
  'set at another version is a conflict and changes nothing': NO_VERSIONS,
  'parallel increments lose nothing': NO_VERSIONS,
}

const SKIP_OLD_KEYS = {
  'original 13: get gives the value that was set': OLD_KEY,
  'values of any characters come back the same': OLD_KEY,
  'set uses the expiry it is given, with a value and without': OLD_KEY,
  'set without an expiry goes back to the default period': OLD_KEY,
  'of two sets at once one value remains whole': OLD_KEY,
}

const NO_REVOCATION = 'without revocations, nothing but time ends a key'

const SKIP_ENDS = {
  'original 14: get of a cleared session is not_found': NO_REVOCATION,
  'set after clear is not_found and brings nothing back': NO_REVOCATION,
  'set with an expiry of 0 or less ends the session': NO_REVOCATION,
  'a logout beats a save that has loaded the session': NO_REVOCATION,
}

const UNDER_WAY = 'without revocations, an answer under way brings the cookie back'

const clock = createTestClock()
const { advance } = clock

const ways = {
  'by its keys alone': {
    create: () => make({ period: 60 }, clock).backend,
    skip: { ...SKIP, ...SKIP_OLD_KEYS, ...SKIP_ENDS },
  },
  'by its keys, with revocations': {
    create: () =>
      make({ period: 60, revocations: createMemoryRevocations(clock.now) }, clock).backend,
    skip: { ...SKIP, ...SKIP_OLD_KEYS },
  },
  'behind a browser': {
    create: () => withJar(make({ period: 60 }, clock).backend),
    skip: { ...SKIP, 'a logout beats a save that has loaded the session': UNDER_WAY },
  },
  'behind a browser, with revocations': {
    create: () =>
      withJar(make({ period: 60, revocations: createMemoryRevocations(clock.now) }, clock).backend),
    skip: SKIP,
  },
}

describe.each(Object.entries(ways))('backendContract on createCookieBackend %s', (_, way) => {
  const { create, skip } = way
  for (const { name, run } of backendContract({ create, advance, skip })) it(name, run)

  it('fails every case that is skipped, and no other', async () => {
    const failed: string[] = []
    for (const { name, run } of backendContract({ create, advance })) {
      await run().catch(() => failed.push(name))
    }
    expect(failed.toSorted()).toEqual(Object.keys(skip).toSorted())
  })
})
