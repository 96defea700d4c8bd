// All servers of a group take turns at each path, forwards and then backwards, and each ratio is of one such turn. A read
// is measured a second time, under a load that is the same for all: where a server is as busy as it can be, how long a
// request waits only says once more how many of them it does.
import { spreadOf } from '../interleave.mjs'
import { loadFor } from './load.mjs'

export const PATHS = ['/none', '/read', '/count']

/**
 * @param {Awaited<ReturnType<import('./server-process.mjs').startServer>>[]} servers
 * @param {{ rounds: number, seconds: number, warmUp: number, load: { wrk: string, core?: number } }} options
 */
export async function measure(servers, path, { rounds, seconds, warmUp, load }) {
  const samples = new Map(servers.map((server) => [server, []]))
  for (const server of servers) await sample(server, path, warmUp, load)
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? servers : servers.toReversed()
    for (const server of order) {
      const one = await sample(server, path, seconds, load)
      if (path === '/read') {
        const eased = { ...load, script: server.easedScript }
        one.easedP99Us = (await loadFor(seconds, server.url + path, eased)).p99Us
      }
      samples.get(server).push(one)
    }
  }
  const [bare, floor] = servers.map((server) => samples.get(server))
  const hasFloor = servers[1]?.library === 'floor'
  return servers.map((server) => {
    const own = samples.get(server)
    const of = (figure) => spreadOf(own.map(figure))
    const against = (others, figure) => spreadOf(own.map((one, at) => figure(one, others[at])))
    const rate = (one, other) => one.rate / other.rate
    return {
      library: server.library,
      rate: of((one) => one.rate),
      cpuUs: of((one) => one.cpuUs),
      overBareUs: against(bare, (one, other) => one.cpuUs - other.cpuUs),
      ofBare: against(bare, rate),
      ...(hasFloor ? { ofFloor: against(floor, rate) } : {}),
      p50Us: of((one) => one.p50Us),
      p99Us: of((one) => one.p99Us),
      p99OfBare: against(bare, (one, other) => one.p99Us / other.p99Us),
      easedP99OfBare: against(bare, (one, other) => one.easedP99Us / other.easedP99Us),
      busy: of((one) => one.busy),
    }
  })
}

async function sample(server, path, seconds, load) {
  const before = await server.usage()
  const result = await loadFor(seconds, server.url + path, { ...load, script: server.script })
  const after = await server.usage()
  const cpuUs = after.cpuUs - before.cpuUs
  return {
    rate: (result.requests / result.durationUs) * 1e6,
    cpuUs: cpuUs / result.requests,
    busy: cpuUs / ((after.wallMs - before.wallMs) * 1000),
    p50Us: result.p50Us,
    p99Us: result.p99Us,
  }
}
