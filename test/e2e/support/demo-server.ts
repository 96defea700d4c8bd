import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A demo that runs in a process of its own, on a file of its own. */
export interface DemoServer {
  readonly origin: string
  readonly file: string
  /** What it has printed so far. */
  readonly output: () => string
  /** Ends the process and resolves to its exit code; `null` for one that the signal has ended. */
  readonly stop: (signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL') => Promise<number | null>
  /** Starts another on the same file and port. */
  readonly start: () => Promise<void>
  /** Ends it and removes the file. */
  readonly close: () => Promise<void>
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const START_MS = 10_000

/**
 * Starts the demo on a free port and resolves when it listens. Its sessions are on the server of the URL `sessions`, if
 * there is one; its users in `users`, another demo's file perhaps.
 */
export async function startDemo({
  sessions,
  users,
}: {
  readonly sessions?: string
  readonly users?: string
} = {}): Promise<DemoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
  const file = users ?? join(folder, 'demo.sqlite')
  let output = ''
  let port = '0'
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const where = sessions === undefined ? {} : { SOJOURN_DEMO_SESSIONS: sessions }
    const env = { ...process.env, PORT: port, SOJOURN_DEMO_DB: file, ...where }
    const entry = join(ROOT, 'demo/server.ts')
    child = spawn(process.execPath, [entry], { cwd: folder, env, stdio: 'pipe' })
    port = await portOf(child, (text) => (output += text))
  }

  async function stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    if (child === undefined) return null
    const running = child
    child = undefined
    if (running.exitCode === null && running.signalCode === null) {
      const exited = once(running, 'exit')
      running.kill(signal)
      await exited
    }
    return running.exitCode
  }

  async function close(): Promise<void> {
    await stop('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return { origin: `http://localhost:${port}`, file, output: () => output, stop, start, close }
}

/** The port in the address that a demo prints when it listens, which it has to do within ten seconds. */
export function portOf(child: ChildProcess, onText?: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(fail, START_MS, `did not listen within ${START_MS} ms`)

    function fail(why: string): void {
      clearTimeout(timer)
      reject(new Error(`the demo ${why}: ${output}`))
    }

    function read(data: Buffer): void {
      output += data.toString()
      onText?.(data.toString())
      const port = /http:\/\/localhost:(\d+) /.exec(output)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(port)
    }

    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', (error) => fail(`could not be started (${error.message})`))
    child.once('exit', (code) => fail(`exited with ${code}`))
  })
}
