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
  /** Stops the process with `signal` and starts another on the same file and port. */
  readonly restart: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Stops it and removes the file. */
  readonly close: () => Promise<void>
}

const ENTRY = fileURLToPath(new URL('../../../demo/server.ts', import.meta.url))

/** Starts the demo on a free port and resolves when it listens. */
export async function startDemo(): Promise<DemoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
  const file = join(folder, 'demo.sqlite')
  let output = ''
  let port = '0'
  let child: ChildProcess

  async function start(): Promise<void> {
    const env = { ...process.env, PORT: port, SOJOURN_DEMO_DB: file, NODE_NO_WARNINGS: '1' }
    child = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr?.on('data', (data: Buffer) => (output += data.toString()))
    port = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the demo exited with ${code}: ${output}`)))
      child.stdout?.on('data', (data: Buffer) => {
        output += data.toString()
        const listening = /http:\/\/localhost:(\d+)/.exec(data.toString())?.[1]
        if (listening !== undefined) resolve(listening)
      })
    })
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  await start()
  return {
    origin: `http://localhost:${port}`,
    file,
    output: () => output,
    restart: async (signal) => {
      await stop(signal)
      await start()
    },
    close: async () => {
      await stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
