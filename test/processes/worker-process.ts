import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A process that does a task beside others: see tasks.ts. */
export interface WorkerProcess {
  /** The next line that it prints; rejects when it has ended instead. */
  readonly line: () => Promise<string>
  readonly go: () => void
  /** Resolves when it has ended well, and rejects with what it complained of otherwise. */
  readonly done: Promise<void>
}

/** Starts the script of a worker, and resolves when it is ready. */
export async function startWorker(
  script: URL,
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<WorkerProcess> {
  const options = { env: { ...process.env, ...env } }
  const child = spawn(process.execPath, [script.pathname, ...parameters], options)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const done = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(complaints)
  })
  const line = async (): Promise<string> => {
    const next = await lines.next()
    if (next.done === true) {
      await done
      throw new Error('the process has no more to say')
    }
    return next.value
  }
  const first = await line()
  if (first !== 'ready') throw new Error(`the process said "${first}" before it was ready`)
  return { line, go: () => void child.stdin.write('go\n'), done }
}
