import { describe, expect, it } from 'vitest'
import { createGuard } from '../../../src/adapters/guard.ts'
import type { GuardOptions } from '../../../src/adapters/guard.ts'
import { FORMS, nodeRequest, OWN } from './requests.ts'
import type { Said } from './requests.ts'

const FOREIGN = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }

describe.each(FORMS)('exemptions from a guard of %s requests', (_form, make) => {
  const guard = createGuard({ exempt: ['/hooks/payment', '/'] })

  it.each(['/hooks/payment', '/hooks/payment?id=1', '/'])('cover %s', async (url) => {
    expect(await guard.check(make({ ...FOREIGN, url }))).toEqual({ ok: true, reason: 'exempt' })
  })

  it.each([
    '/hooks/payment/',
    '/hooks/payment/../../account',
    '/Hooks/payment',
    '/hooks/paymen%74',
    '/account?/hooks/payment',
    '/account#/hooks/payment',
    '//hooks/payment',
  ])('do not cover %s', async (url) => {
    expect(await guard.check(make({ ...FOREIGN, url }))).toMatchObject({ ok: false })
  })

  it('may be a function of the request', async () => {
    const bySignature = createGuard({
      exempt: ({ headers }) =>
        'get' in headers ? (headers as Headers).has('x-sig') : 'x-sig' in headers,
    })
    expect(await bySignature.check(make({ ...FOREIGN, 'x-sig': '1' }))).toMatchObject({ ok: true })
    expect(await bySignature.check(make(FOREIGN))).toMatchObject({ ok: false })
  })

  it('are not made by a function that is async by mistake', async () => {
    const careless = createGuard({ exempt: (async () => false) as never })
    await expect(careless.check(make(FOREIGN))).rejects.toThrow(
      '"exempt" must return true or false',
    )
  })
})

describe('exemptions', () => {
  it('go by the whole path below a mounted router', async () => {
    const guard = createGuard({ exempt: ['/hooks/payment'] })
    const mounted = {
      ...nodeRequest({ ...FOREIGN, url: '/payment' }),
      originalUrl: '/hooks/payment',
    }
    expect(await guard.check(mounted)).toMatchObject({ ok: true })
    const other = {
      ...nodeRequest({ ...FOREIGN, url: '/hooks/payment' }),
      originalUrl: '/a/hooks/payment',
    }
    expect(await guard.check(other)).toMatchObject({ ok: false })
  })

  it('do not cover an absolute URL on the request line', async () => {
    const guard = createGuard({ exempt: ['/hooks/payment'] })
    const url = `${OWN}/hooks/payment`
    expect(await guard.check(nodeRequest({ ...FOREIGN, url }))).toMatchObject({ ok: false })
  })
})

describe('unsafe requests by a safe method', () => {
  const guard = createGuard({ unsafe: ({ url }) => url === '/logout' })
  const logout = (said: Said) =>
    guard.check(nodeRequest({ method: 'GET', url: '/logout', ...said }))

  it('are judged as others are', async () => {
    expect(await logout(FOREIGN)).toEqual({ ok: false, reason: 'cross_site' })
    expect(await logout({ 'sec-fetch-site': 'same-origin' })).toEqual({
      ok: true,
      reason: 'same_origin',
    })
    expect(await guard.check(nodeRequest({ method: 'GET', ...FOREIGN }))).toEqual({
      ok: true,
      reason: 'safe',
    })
  })

  it('are no business of a link in a mail', async () => {
    expect(await logout({ 'sec-fetch-site': 'none' })).toEqual({ ok: false, reason: 'navigation' })
  })

  it('are not named by a function that is async by mistake', async () => {
    const careless = createGuard({ unsafe: (async () => false) as never })
    const asked = careless.check(nodeRequest({ method: 'GET' }))
    await expect(asked).rejects.toThrow('"unsafe" must return true or false')
  })
})

describe('a required header', () => {
  const guard = createGuard({ requiredHeader: 'X-Requested-With' })

  it('must be there, beside the origin', async () => {
    const own = { 'sec-fetch-site': 'same-origin' }
    expect(await guard.check(nodeRequest(own))).toEqual({ ok: false, reason: 'header_missing' })
    const sent = { 'x-requested-with': 'fetch' }
    expect(await guard.check(nodeRequest({ ...own, ...sent }))).toMatchObject({ ok: true })
    expect(await guard.check(nodeRequest({ ...FOREIGN, ...sent }))).toMatchObject({ ok: false })
  })

  it('is not asked of a request that changes nothing', async () => {
    expect(await guard.check(nodeRequest({ method: 'GET' }))).toMatchObject({ ok: true })
  })

  it.each([
    'Content-Type',
    'accept',
    'Origin',
    'sec-fetch-site',
    'ping-to',
    'authorization',
    'Cookie',
  ])('cannot be %s, which a page of another origin can send', (requiredHeader) =>
    expect(() => createGuard({ requiredHeader })).toThrow(TypeError),
  )
})

describe('reads by other sites', () => {
  const guard = createGuard({
    allowedDestinations: ['document', 'image'],
    trustedOrigins: ['https://pay.example'],
  })
  const get = (site: string, dest: string, mode = 'no-cors', more: Said = {}) =>
    guard.check(
      nodeRequest({
        method: 'GET',
        'sec-fetch-site': site,
        'sec-fetch-dest': dest,
        'sec-fetch-mode': mode,
        ...more,
      }),
    )
  const refused = { ok: false, reason: 'destination' }

  it('are allowed for the destinations that are named', async () => {
    expect(await get('cross-site', 'document', 'navigate')).toMatchObject({ ok: true })
    expect(await get('cross-site', 'image')).toMatchObject({ ok: true })
  })

  it.each([
    ['a script', 'cross-site', 'script', 'no-cors'],
    ['a fetch', 'cross-site', 'empty', 'cors'],
    ['a frame', 'cross-site', 'iframe', 'navigate'],
    ['an object', 'cross-site', 'object', 'navigate'],
    ['a frame of a sibling', 'same-site', 'iframe', 'navigate'],
    ['a document that nobody navigates to', 'cross-site', 'document', 'cors'],
    ['nothing that is named', 'cross-site', '', 'no-cors'],
  ])('are refused for %s', async (_name, site, dest, mode) => {
    expect(await get(site, dest, mode)).toEqual(refused)
    expect(await get(site, dest, mode, { method: 'HEAD' })).toEqual(refused)
  })

  it('by our own pages, the user, a trusted origin and old browsers are not judged', async () => {
    expect(await get('same-origin', 'script')).toMatchObject({ ok: true })
    expect(await get('none', 'iframe')).toMatchObject({ ok: true })
    expect(
      await get('cross-site', 'empty', 'cors', { origin: 'https://pay.example' }),
    ).toMatchObject({ ok: true })
    expect(await guard.check(nodeRequest({ method: 'GET' }))).toMatchObject({ ok: true })
  })

  it('leave preflights to CORS, and writes to the origin', async () => {
    expect(await get('cross-site', 'empty', 'cors', { method: 'OPTIONS' })).toMatchObject({
      ok: true,
    })
    expect(await get('cross-site', 'document', 'navigate', { method: 'POST' })).toEqual({
      ok: false,
      reason: 'cross_site',
    })
  })

  it('of siblings are allowed where they may write', async () => {
    const wide = createGuard({ allowedDestinations: [], sameSite: 'allow' })
    const said = { method: 'GET', 'sec-fetch-dest': 'script' }
    expect(await wide.check(nodeRequest({ ...said, 'sec-fetch-site': 'same-site' }))).toMatchObject(
      { ok: true },
    )
    expect(await wide.check(nodeRequest({ ...said, 'sec-fetch-site': 'cross-site' }))).toEqual(
      refused,
    )
  })
})

describe('createGuard', () => {
  it.each<[string, GuardOptions]>([
    ['"origin"', { origin: 'app.example' }],
    ['"origin"', { origin: `${OWN}/` }],
    ['"origin"', { origin: `${OWN}:443` }],
    ['"origin"', { origin: 'https://APP.example' }],
    ['"origin"', { origin: [] }],
    ['"origin"', { origin: 'null' }],
    ['"trustedOrigins"', { trustedOrigins: ['*'] }],
    ['"trustedOrigins"', { trustedOrigins: ['https://*.app.example'] }],
    ['"trustedOrigins"', { trustedOrigins: OWN as never }],
    ['"sameSite"', { sameSite: true as never }],
    ['"exempt"', { exempt: ['hooks'] }],
    ['"exempt"', { exempt: ['/hooks/*'] }],
    ['"exempt"', { exempt: '/hooks' as never }],
    ['"unsafe"', { unsafe: ['/logout'] as never }],
    ['"allowedDestinations"', { allowedDestinations: ['Document'] }],
    ['"requiredHeader"', { requiredHeader: 'x y' }],
    ['"tokenHeader"', { tokenHeader: '' }],
    ['"secrets"', { secrets: ['short'] }],
    ['"secrets"', { secrets: [] }],
    ['"requireToken"', { requireToken: 1 as never }],
    ['"strict"', { strict: 'yes' as never }],
    ['"orgin"', { orgin: OWN } as object],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => createGuard(options)).toThrow(TypeError)
    expect(() => createGuard(options)).toThrow(option)
  })

  it('shows no secret in its errors', () => {
    expect(() => createGuard({ secrets: ['h1dden'] })).not.toThrow('h1dden')
  })
})
