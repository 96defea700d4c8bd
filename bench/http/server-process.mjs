// A server of the benchmark: started, pinned to its core, logged in to, asked for its CPU time, stopped.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { writeScript } from './load.mjs'
import { checkVisits, logIn } from './visitors.mjs'

const SERVER = fileURLToPath(new URL('../peers/server.mjs', import.meta.url))
const VISITORS = 256

/** @param {{ framework: string, library: string, store: string, keeps: boolean }} variant */
export async function startServer(variant, { core, folder, env }) {
  const { framework, library, store } = variant
  const child = fork(SERVER, [framework, library, store], {
    env: { ...process.env, ...env, NODE_ENV: 'production' },
    execPath: core === undefined ? process.execPath : 'taskset',
    execArgv: core === undefined ? [] : ['-c', String(core), process.execPath],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the server of ${library} on ${framework} has ended`)
  })
  ended.catch(() => {})
  const ask = async (message) => {
    if (message !== undefined) child.send(message)
    const [answer] = await Promise.race([once(child, 'message'), ended])
    return answer
  }
  const { port } = await ask()
  const url = `http://127.0.0.1:${port}`
  const cookies = await logIn(url, VISITORS)
  if (library !== 'bare') await checkVisits(url, cookies[0], variant)
  const [script, easedScript] = [`${folder}/${port}.lua`, `${folder}/${port}-eased.lua`]
  // A bare server is sent a cookie too, which it does not read.
  const sent = library === 'bare' ? [`other=${'x'.repeat(43)}`] : cookies
  writeScript(script, sent)
  writeScript(easedScript, sent, { eased: true })
  return {
    ...variant,
    url,
    script,
    easedScript,
    usage: () => ask('usage'),
    stop: async () => {
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}
