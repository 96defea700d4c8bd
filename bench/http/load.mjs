// Load on a server from a process and a core of its own: wrk, with the cookies of many visitors in turn.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { requireBinary } from '../../test/servers/binary.ts'

const run = promisify(execFile)
const WRK = { names: ['wrk'], folders: () => ['/usr/bin', '/usr/local/bin'], debian: 'wrk' }

/** Where wrk is, after it has been installed if need be. */
export const findWrk = () => requireBinary(WRK)

// With 64 connections some 4,200 requests a second, whatever the server, as long as it can do as many.
const PAUSE_MS = 15

/** A script for wrk that sends one cookie after the other; `eased`, each connection pauses before each request. */
export function writeScript(path, cookies, { eased = false } = {}) {
  // Long brackets: a cookie may have any character but those that a header refuses.
  const lines = cookies.map((cookie) => `[==[${cookie}]==]`).join(',\n')
  writeFileSync(
    path,
    `local cookies = {\n${lines}\n}
local requests, at = {}, 0
function init()
  local headers = {}
  for i, cookie in ipairs(cookies) do
    headers = cookie == '' and {} or { Cookie = cookie }
    requests[i] = wrk.format('GET', nil, headers)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format('RESULT %d %d %d %d %d', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
${eased ? `function delay() return math.random(0, ${2 * PAUSE_MS}) end\n` : ''}`,
  )
}

/**
 * So many seconds of load by 64 connections.
 *
 * @returns {Promise<{ requests: number, durationUs: number, p50Us: number, p99Us: number }>}
 * @throws {Error} if any request failed or was answered with an error.
 */
export async function loadFor(seconds, url, { wrk, script, core }) {
  const args = ['-t1', '-c64', `-d${seconds}s`, '--latency', '-s', script, url]
  const pinned = core === undefined ? [wrk, ...args] : ['taskset', '-c', String(core), wrk, ...args]
  const { stdout } = await run(pinned[0], pinned.slice(1))
  const found = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)
  if (found === null) throw new Error(`wrk said:\n${stdout}`)
  const [requests, durationUs, p50Us, p99Us, errors] = found.slice(1).map(Number)
  if (errors > 0) throw new Error(`${errors} of ${requests} requests to ${url} failed`)
  return { requests, durationUs, p50Us, p99Us }
}
