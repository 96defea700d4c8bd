import { createStaticHandler } from 'react-router'
import type { MiddlewareFunction, RouteObject } from 'react-router'
import { describe, expect, it } from 'vitest'
import { addTea, inAction } from '../../examples/next-actions.ts'
import type { CookieJar } from '../../examples/next-actions.ts'
import { GET, POST, readItems } from '../../examples/next-route.ts'
import { action, loader, middleware } from '../../examples/react-router.ts'
import { handle } from '../../examples/sveltekit-hooks.ts'
import type { CartSession } from '../../examples/sveltekit-hooks.ts'

function request(method: string, cookie?: string): Request {
  const headers = cookie === undefined ? {} : { cookie }
  return new Request('https://shop.example/cart', { method, headers })
}

function cookieOf({ headers }: Response): string {
  const [line = ''] = headers.getSetCookie()
  expect(line).toContain('__Host-session=')
  return line.split(';')[0] ?? ''
}

describe('examples/react-router.ts', () => {
  // Of routes in files, the framework knows that what comes next is a response.
  const cart: RouteObject = { id: 'cart', path: '/cart', loader, action }
  const routes = [{ ...cart, middleware: middleware as MiddlewareFunction[] }]
  const router = createStaticHandler(routes)
  const ask = async (asked: Request): Promise<Response> => {
    const response: unknown = await router.queryRoute(asked, {
      routeId: 'cart',
      generateMiddlewareResponse: async (query) => {
        const result: unknown = await query(asked)
        return result instanceof Response ? result : Response.json(result)
      },
    })
    return response as Response
  }

  it('stores what an action writes, and gives it to loaders', async () => {
    const posted = await ask(request('POST'))
    expect(posted.status).toBe(302)
    const cookie = cookieOf(posted)
    const read = await ask(request('GET', cookie))
    expect(await read.json()).toStrictEqual(['tea'])
    expect(read.headers.get('vary')).toBe('Cookie')
    expect(read.headers.getSetCookie()).toStrictEqual([])
  })
})

// These two run what the framework would call, and not the framework.
describe('examples/next-route.ts', () => {
  it('stores what POST writes, and gives it to GET and to components', async () => {
    const posted = await POST(request('POST'))
    expect(posted.status).toBe(303)
    const cookie = cookieOf(posted)
    expect(await (await GET(request('GET', cookie))).json()).toStrictEqual(['tea'])
    expect(await readItems(new Headers({ cookie }))).toStrictEqual(['tea'])
    expect(await readItems(new Headers())).toStrictEqual([])
  })
})

type Cookie = Parameters<CookieJar['set']>[0]

/** What `cookies()` of Next.js gives to an action. `npm run proof:next` has the real one. */
function jarOf(sent: string) {
  const cookies: Cookie[] = []
  const jar = { toString: () => sent, set: (cookie: Cookie) => void cookies.push(cookie) }
  return { jar, cookies, sentBack: () => `${cookies[0]?.name}=${cookies[0]?.value}` }
}

describe('examples/next-actions.ts', () => {
  it('sets the cookie of what an action writes, with the attributes of the manager', async () => {
    const { jar, cookies, sentBack } = jarOf('')
    await addTea(jar)
    expect(cookies).toStrictEqual([
      {
        name: '__Host-session',
        value: expect.stringMatching(/^[\w-]{22}\.[\w-]{43}$/) as string,
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'lax',
        maxAge: 604_800,
      },
    ])
    expect(await readItems(new Headers({ cookie: sentBack() }))).toStrictEqual(['tea'])
  })

  it('sets it beside an error too, as redirects are', async () => {
    const { jar, cookies } = jarOf('')
    const redirect = new Error('NEXT_REDIRECT')
    const action = inAction(jar, async (session) => {
      await session.set({ items: ['milk'] })
      throw redirect
    })
    await expect(action).rejects.toBe(redirect)
    expect(cookies).toHaveLength(1)
  })

  it('removes it with the session, and sets none where nothing is written', async () => {
    const before = jarOf('')
    await addTea(before.jar)
    const { jar, cookies } = jarOf(before.sentBack())
    expect(await inAction(jar, async (session) => (await session.load())?.value)).toStrictEqual({
      items: ['tea'],
    })
    expect(cookies).toStrictEqual([])
    await inAction(jar, (session) => session.clear())
    expect(cookies).toMatchObject([{ name: '__Host-session', value: '', maxAge: 0 }])
  })
})

describe('examples/sveltekit-hooks.ts', () => {
  it('puts the session among the locals', async () => {
    const locals: { session?: CartSession } = {}
    const event = { request: request('POST'), locals }
    const response = await handle({
      event,
      resolve: async () => {
        await locals.session?.set({ items: ['tea'] })
        return new Response('done')
      },
    })
    expect(cookieOf(response)).toMatch(/^__Host-session=/)
  })
})
