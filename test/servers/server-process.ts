import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gone, runs, signalTree } from './process-tree.ts'

/** A server that a test started, on a private port of 127.0.0.1, with its files in a folder of its own. */
export interface TestServer {
  readonly url: string
  readonly port: number
  readonly folder: string
  /** Sends a signal to the whole server; with `SIGKILL`, comes back once none of its processes runs. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again on the same folder and port, and waits until it takes connections. */
  restart(): Promise<void>
  /** Ends it and removes its folder. A second call does nothing. */
  stop(): Promise<void>
}

/** What `runServer` needs to know. */
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
  /** The signal that ends it in order. */
  readonly quit: NodeJS.Signals
}

/** A user to run as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The part of a `TestServer` that is the same for every server. */
export type ServerProcess = Pick<TestServer, 'folder' | 'kill' | 'restart' | 'stop'>

const STARTS_WITHIN_MS = 60_000
const live = new Map<string, number | undefined>()

// No server outlives the tests. Where this does not run, because the tests were killed, `setpriv` sees to it.
process.on('exit', () => {
  for (const [folder, pid] of live) {
    if (pid !== undefined) signalTree(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
})

/** Makes a folder for a server's files, which `account` owns. */
export function makeFolder(name: string, account?: Account): string {
  const folder = mkdtempSync(join(tmpdir(), `sojourn-${name}-`))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  live.set(folder, undefined)
  return folder
}

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
 * A port of 127.0.0.1 that nobody listens on. It lies below those that the system gives to outgoing connections,
 * so that none of these takes it while its server is down.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    const probe = createServer()
    const listening = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!listening) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}

/** Runs a program to its end, as `account`. */
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

/** Starts a server and waits until it takes connections. */
export async function runServer(launch: Launch): Promise<ServerProcess> {
  const { folder } = launch
  let child = await started(launch)
  let stopped = false
  live.set(folder, child.pid)

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.pid === undefined || hasEnded(child)) return
    signalTree(child.pid, 'SIGCONT')
    const ended = once(child, 'exit')
    if (signal === 'SIGKILL') {
      await gone(signalTree(child.pid, signal))
    } else {
      child.kill(signal)
      const timer = setTimeout(() => child.pid && signalTree(child.pid, 'SIGKILL'), 20_000)
      await ended
      clearTimeout(timer)
    }
    if (!hasEnded(child)) await ended
  }

  return {
    folder,
    async kill(signal) {
      if (child.pid === undefined || hasEnded(child)) return
      if (signal === 'SIGKILL') return end(signal)
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') signalTree(child.pid, signal)
      else child.kill(signal)
    },
    async restart() {
      if (stopped) throw new Error(`${launch.name} was stopped, and its folder removed`)
      await end(launch.quit)
      child = await started(launch)
      live.set(folder, child.pid)
    },
    async stop() {
      if (stopped) return
      stopped = true
      await end(launch.quit)
      live.delete(folder)
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

async function started(launch: Launch): Promise<ChildProcess> {
  const { name, account, folder, ready } = launch
  const [command, args] = dyingWithParent(launch)
  const child = spawn(command, args, { ...account, cwd: folder, env: environment(), stdio: 'pipe' })
  const log = logOf(child)
  await new Promise<void>((resolve, reject) => {
    const fail = (what: string) => {
      if (child.pid !== undefined && runs(child.pid)) signalTree(child.pid, 'SIGKILL')
      reject(new Error(`${name} ${what}: ${log()}`))
    }
    const timer = setTimeout(() => fail('does not start'), STARTS_WITHIN_MS)
    const look = () => {
      if (ready.test(log())) settle(resolve)
    }
    const settle = (then: () => void) => {
      clearTimeout(timer)
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', look)
      child.off('exit', ended)
      then()
    }
    const ended = () => settle(() => fail('ended'))
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', look)
    child.once('error', ended)
    child.once('exit', ended)
  })
  return child
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
