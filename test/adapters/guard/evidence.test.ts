import { describe, expect, it } from 'vitest'
import { createGuard } from '../../../src/adapters/guard.ts'
import type { GuardOptions } from '../../../src/adapters/guard.ts'
import { FORMS, OWN } from './requests.ts'
import type { Said } from './requests.ts'

const COOKIE = { cookie: '__Host-session=a' }
const SITE = 'sec-fetch-site'
const FOREIGN = 'https://evil.example'

type Row = readonly [name: string, said: Said, reason: string, options?: GuardOptions]

// With a cookie each, so that silence does not pass.
const PASSES: readonly Row[] = [
  ['GET', { method: 'GET', [SITE]: 'cross-site' }, 'safe'],
  ['HEAD', { method: 'HEAD', origin: FOREIGN }, 'safe'],
  ['OPTIONS', { method: 'OPTIONS', origin: FOREIGN }, 'safe'],
  ['TRACE', { method: 'TRACE' }, 'safe'],
  ['this origin', { [SITE]: 'same-origin' }, 'same_origin'],
  ['this origin, whatever Origin says', { [SITE]: 'same-origin', origin: 'null' }, 'same_origin'],
  ['the user', { [SITE]: 'none' }, 'user'],
  ['a trusted origin', { [SITE]: 'cross-site', origin: 'https://pay.example' }, 'trusted_origin'],
  ['a trusted sibling', { [SITE]: 'same-site', origin: 'https://pay.example' }, 'trusted_origin'],
  ['a trusted Origin alone', { origin: 'https://pay.example' }, 'trusted_origin'],
  ['a trusted shell', { origin: 'capacitor://localhost' }, 'trusted_origin'],
  ['Origin of this host', { origin: OWN }, 'same_origin'],
  ['Origin of this host, with its port', { origin: OWN, host: 'app.example:443' }, 'same_origin'],
  ['Origin of this host in capitals', { origin: OWN, host: 'APP.example' }, 'same_origin'],
  ['Origin with a port', { origin: `${OWN}:8443`, host: 'app.example:8443' }, 'same_origin'],
  ['an unknown site, but this Origin', { [SITE]: 'nested', origin: OWN }, 'same_origin'],
  ['Referer of this host', { referer: `${OWN}/a?b` }, 'same_origin'],
  ['Referer of a trusted origin', { referer: 'https://pay.example/a' }, 'trusted_origin'],
  ['a silent client without a cookie', { cookie: undefined }, 'no_cookie'],
  ['a silent client with an empty cookie', { cookie: '' }, 'no_cookie'],
  ['a sibling where all are ours', { [SITE]: 'same-site' }, 'same_site', { sameSite: 'allow' }],
  [
    'an own Origin',
    { origin: 'https://a.test', host: 'b' },
    'same_origin',
    { origin: 'https://a.test' },
  ],
  ['one own Origin of two', { origin: OWN }, 'same_origin', { origin: ['https://a.test', OWN] }],
  ['Referer of an own origin', { referer: `${OWN}/`, host: 'b' }, 'same_origin', { origin: OWN }],
]

const REFUSALS: readonly Row[] = [
  ['another site', { [SITE]: 'cross-site' }, 'cross_site'],
  ['another site without a cookie', { [SITE]: 'cross-site', cookie: undefined }, 'cross_site'],
  ['another site, whatever Origin says', { [SITE]: 'cross-site', origin: OWN }, 'cross_site'],
  ['another site that is opaque', { [SITE]: 'cross-site', origin: 'null' }, 'cross_site'],
  ['a sibling', { [SITE]: 'same-site', origin: 'https://other.app.example' }, 'same_site'],
  ['a foreign Origin', { origin: FOREIGN }, 'cross_origin'],
  ['a foreign Origin without a cookie', { origin: FOREIGN, cookie: undefined }, 'cross_origin'],
  ['another port', { origin: `${OWN}:8443` }, 'cross_origin'],
  ['a host that begins as ours', { origin: `${OWN}.evil.example` }, 'cross_origin'],
  ['a host that ends as ours', { origin: `https://evil-app.example` }, 'cross_origin'],
  ['an Origin with a path', { origin: `${OWN}/` }, 'cross_origin'],
  ['an Origin with a user', { origin: 'https://app.example@evil.example' }, 'cross_origin'],
  ['two origins', { origin: `${OWN} ${FOREIGN}` }, 'cross_origin'],
  ['no origin at all', { origin: '' }, 'cross_origin'],
  ['a foreign Origin with our Referer', { origin: FOREIGN, referer: `${OWN}/` }, 'cross_origin'],
  ['a foreign Referer', { referer: `${FOREIGN}/?${OWN}/` }, 'cross_origin'],
  ['an unknown site and nothing else', { [SITE]: 'nested' }, 'no_evidence'],
  ['a site in other letters', { [SITE]: 'Same-Origin' }, 'no_evidence'],
  ['two sites', { [SITE]: 'same-origin, cross-site' }, 'no_evidence'],
  ['an opaque Origin', { origin: 'null' }, 'opaque_origin'],
  ['an opaque Origin without a cookie', { origin: 'null', cookie: undefined }, 'opaque_origin'],
  ['silence with a cookie', {}, 'no_evidence'],
  ['a Referer that is none', { referer: 'about:blank' }, 'no_evidence'],
  ['a Referer that is garbage', { referer: '::' }, 'no_evidence'],
  ['a method in small letters', { method: 'get', [SITE]: 'cross-site' }, 'cross_site'],
  ['a method of another protocol', { method: 'PROPFIND', [SITE]: 'cross-site' }, 'cross_site'],
  [
    'the handshake of a WebSocket',
    { method: 'GET', upgrade: 'websocket', origin: FOREIGN },
    'cross_origin',
  ],
  [
    'a handshake in capitals',
    { method: 'GET', upgrade: 'h2c, WebSocket', origin: FOREIGN },
    'cross_origin',
  ],
  [
    'what a proxy may have added',
    { origin: FOREIGN, 'x-forwarded-host': 'evil.example' },
    'cross_origin',
  ],
  [
    'our host where another is configured',
    { origin: OWN },
    'cross_origin',
    { origin: 'https://a.test' },
  ],
  ['our scheme changed', { origin: 'http://app.example' }, 'cross_origin', { origin: OWN }],
  [
    'a foreign site where siblings may',
    { [SITE]: 'cross-site' },
    'cross_site',
    { sameSite: 'allow' },
  ],
  ['silence where that is too little', { cookie: undefined }, 'no_evidence', { strict: true }],
]

const trustedOrigins = ['https://pay.example', 'capacitor://localhost']

describe.each(FORMS)('a guard of %s requests', (_form, make) => {
  for (const [name, said, reason, options] of PASSES) {
    it(`passes ${name}`, async () => {
      const guard = createGuard({ trustedOrigins, ...options })
      expect(await guard.check(make({ ...COOKIE, ...said }))).toEqual({ ok: true, reason })
    })
  }

  for (const [name, said, reason, options] of REFUSALS) {
    it(`refuses ${name}`, async () => {
      const guard = createGuard({ trustedOrigins, ...options })
      expect(await guard.check(make({ ...COOKIE, ...said }))).toEqual({ ok: false, reason })
    })
  }
})

describe('a guard', () => {
  it('takes the authority of HTTP/2 for the host', async () => {
    const headers = { ':authority': 'app.example', origin: OWN, cookie: 'a=b' }
    expect(await createGuard().check({ method: 'POST', headers })).toMatchObject({ ok: true })
    const foreign = { ...headers, origin: FOREIGN }
    expect(await createGuard().check({ method: 'POST', headers: foreign })).toMatchObject({
      ok: false,
    })
  })

  it('takes the host of the URL where a Request names none', async () => {
    const request = new Request(`${OWN}/a`, {
      method: 'POST',
      headers: { origin: OWN, cookie: 'a' },
    })
    expect(await createGuard().check(request)).toEqual({ ok: true, reason: 'same_origin' })
  })

  it('refuses a request without a host, or a method', async () => {
    const refused = { ok: false, reason: 'cross_origin' }
    expect(await createGuard().check({ headers: { origin: OWN } })).toEqual(refused)
    expect(await createGuard().check({ headers: { origin: FOREIGN } })).toEqual(refused)
  })

  it('is not told what is on the prototype', async () => {
    const headers = Object.create({ [SITE]: 'same-origin' }) as Record<string, string>
    Object.assign(headers, COOKIE)
    expect(await createGuard().check({ method: 'POST', headers })).toMatchObject({ ok: false })
  })
})
