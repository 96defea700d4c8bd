import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './free-port.ts'
import { forget, makeFolder, release, remember } from './left-behind.ts'
import { gone, runs, signalTree } from './process-tree.ts'

/** A server that a test started, on a private port of 127.0.0.1, with its files in a folder of its own. */
export interface TestServer {
  readonly url: string
  readonly port: number
  readonly folder: string
  /**
   * Sends a signal: `SIGKILL`, `SIGSTOP` and `SIGCONT` to all processes of the server, any other to the first of
   * them. After `SIGKILL` it comes back once none of them runs.
   */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again on the same folder and port, and waits until it takes connections. Ends it first if it runs. */
  restart(): Promise<void>
  /** Ends it and removes its folder. A second call does nothing. */
  stop(): Promise<void>
}

/** What `runServer` needs to know about a server. */
export interface Launch {
  /** The server's name, for messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  /** What it prints once it takes connections. */
  readonly ready: RegExp
  /** Who runs it, where it refuses to be root. */
  readonly account?: Account | undefined
  /** The signal that ends it in order, and the one that ends it at once where its files are not needed any more. */
  readonly quit: { readonly inOrder: NodeJS.Signals; readonly atOnce: NodeJS.Signals }
}

/** A user to run as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The part of a `TestServer` that is the same for every server. */
export type ServerProcess = Pick<TestServer, 'folder' | 'kill' | 'restart' | 'stop'>

const STARTS_WITHIN_MS = 60_000
const ENDS_WITHIN_MS = 20_000
const ATTEMPTS = 5

/** Who runs what refuses root: `postgres` if there is one, else `nobody`; `undefined` where nobody is root. */
export function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' })),
      )
      if (uid !== undefined && gid !== undefined) return { uid, gid }
    } catch {
      // There is no such user.
    }
  }
  throw new Error('a server that refuses root needs a user "postgres" or "nobody"')
}

/**
 * Runs a program to its end, as `account`.
 *
 * @throws {Error} with the end of what it said, if it fails.
 */
export async function run(
  command: string,
  args: readonly string[],
  { account, cwd }: { account?: Account | undefined; cwd: string },
): Promise<void> {
  const child = spawn(command, args, { ...account, cwd, env: environment(), stdio: 'pipe' })
  const log = logOf(child)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} failed: ${log()}`)
}

/**
 * Starts a server on a free port and waits until it takes connections. `prepare` makes its files in the folder, once;
 * `launch` says how to start it on a port, and is asked again where somebody else was quicker to take the port.
 */
export async function startServer(
  { name, account }: { name: string; account?: Account | undefined },
  prepare: (folder: string) => Promise<void> | void,
  launch: (folder: string, port: number) => Launch,
): Promise<ServerProcess & { port: number }> {
  const folder = makeFolder(name, account)
  try {
    await prepare(folder)
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort()
      try {
        return { ...(await runServer(launch(folder, port))), port }
      } catch (error) {
        if (attempt === ATTEMPTS || !/address already in use/i.test(String(error))) throw error
      }
    }
  } catch (error) {
    forget(folder)
    throw error
  }
}

async function runServer(launch: Launch): Promise<ServerProcess> {
  const { folder, name, quit } = launch
  let child = await started(launch)
  let stopped = false

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.pid === undefined || hasEnded(child)) return
    const ended = once(child, 'exit')
    if (signal === 'SIGKILL') {
      await gone(signalTree(child.pid, signal))
    } else {
      child.kill(signal)
      signalTree(child.pid, 'SIGCONT')
    }
    const timer = setTimeout(() => child.pid && signalTree(child.pid, 'SIGKILL'), ENDS_WITHIN_MS)
    await ended
    clearTimeout(timer)
  }

  return {
    folder,
    async kill(signal) {
      if (child.pid === undefined || hasEnded(child)) throw new Error(`${name} does not run`)
      if (signal === 'SIGKILL') await end(signal)
      else if (signal === 'SIGSTOP' || signal === 'SIGCONT') signalTree(child.pid, signal)
      else child.kill(signal)
    },
    async restart() {
      if (stopped) throw new Error(`${name} was stopped, and its folder removed`)
      await end(quit.inOrder)
      child = await started(launch)
    },
    async stop() {
      if (stopped) return
      stopped = true
      await end(quit.atOnce)
      forget(folder)
    },
  }
}

async function started(launch: Launch): Promise<ChildProcess> {
  const { name, account, folder, ready } = launch
  const [command, args] = dyingWithParent(launch)
  const child = spawn(command, args, { ...account, cwd: folder, env: environment(), stdio: 'pipe' })
  remember(folder, child.pid)
  child.once('exit', () => release(folder, child.pid))
  const log = logOf(child)
  const streams = [child.stdout, child.stderr]
  let give: (what?: string) => void = () => {}
  const answer = new Promise<string | undefined>((resolve) => (give = resolve))
  const look = () => ready.test(log()) && give()
  const ended = () => give('ended')
  const timer = setTimeout(give, STARTS_WITHIN_MS, 'does not start')
  for (const stream of streams) stream?.on('data', look)
  child.once('error', ended).once('close', ended)
  const wrong = await answer
  clearTimeout(timer)
  for (const stream of streams) stream?.off('data', look)
  child.off('close', ended)
  if (wrong === undefined) return child
  if (child.pid !== undefined && runs(child.pid)) await gone(signalTree(child.pid, 'SIGKILL'))
  throw new Error(`${name} ${wrong}: ${log()}`)
}

let setpriv: boolean | undefined

/** On Linux the kernel kills the server when the tests die, whatever they die of. */
function dyingWithParent({ command, args }: Launch): [string, readonly string[]] {
  setpriv ??= canSetpriv()
  return setpriv ? ['setpriv', ['--pdeathsig', 'KILL', command, ...args]] : [command, args]
}

function canSetpriv(): boolean {
  try {
    execFileSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The last of what a server says, which is in English. */
function logOf(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-4000)
    })
  return () => text
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
}
