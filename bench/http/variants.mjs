// Which servers are measured beside each other. The first of a group is the framework alone, the second the least code
// that works by hand, which all of them are compared with.

const FRAMEWORKS = {
  node: { libraries: ['iron-session', 'sojourn (cookie)'] },
  express: { libraries: ['express-session', 'cookie-session'] },
  fastify: { libraries: ['@fastify/session', '@fastify/secure-session'] },
  koa: { libraries: ['koa-session', 'koa-session (cookie)'] },
  hono: { libraries: ['hono-sessions', '@hono/session'] },
  h3: { libraries: ['useSession'] },
  remix: { libraries: ['@remix-run/session'], alone: true },
}

// What keeps the value in the cookie counts from the same cookie again, since the load does not take new ones.
const IN_COOKIE = new Set([
  'iron-session',
  'sojourn (cookie)',
  'cookie-session',
  '@fastify/secure-session',
  'koa-session (cookie)',
  '@hono/session',
  'useSession',
])

// Libraries that have a store for the server in question.
const ON_SERVERS = { express: ['express-session'], fastify: ['@fastify/session'] }

/** Groups of at most six servers: with many more alive the figures were wrong. */
export function createGroups() {
  const memory = Object.entries(FRAMEWORKS).map(([framework, { libraries, alone = false }]) => {
    const ours = alone ? [] : ['floor', 'floor (guarded)', 'sojourn']
    return group(framework, 'memory', ['bare', ...ours, ...libraries])
  })
  const servers = ['redis', 'postgres'].flatMap((store) =>
    Object.entries(ON_SERVERS).map(([framework, libraries]) =>
      group(framework, store, ['bare', 'floor', 'sojourn', ...libraries]),
    ),
  )
  return [...memory, ...servers]
}

function group(framework, store, libraries) {
  const variants = libraries.map((library) => {
    return { framework, library, store, keeps: !IN_COOKIE.has(library) }
  })
  return { name: `${framework}, ${store}`, framework, store, variants }
}
