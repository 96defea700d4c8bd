import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTree } from './process-tree.ts'

/** The folders of this process's servers, each with the server that runs in it. */
const kept = new Map<string, number | undefined>()

// No server outlives the tests, nor do its files. Where the tests are killed, none of this runs: then the kernel ends
// the servers (see `dyingWithParent`), and the folders stay for the system to clean up.
process.on('exit', forgetAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    // Who else listens will end the process in its own way.
    if (process.listenerCount(signal) > 0) return
    forgetAll()
    process.kill(process.pid, signal)
  })

/** Makes a folder for a server's files, which `account` owns. */
export function makeFolder(name: string, account?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), `sojourn-${name}-`))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  kept.set(folder, undefined)
  return folder
}

/** Notes which process runs in a folder. */
export function remember(folder: string, pid: number | undefined): void {
  kept.set(folder, pid)
}

/** Notes that a process has ended: its id may be another's soon. */
export function release(folder: string, pid: number | undefined): void {
  if (kept.get(folder) === pid && kept.has(folder)) kept.set(folder, undefined)
}

/** Removes a folder whose server has ended. */
export function forget(folder: string): void {
  kept.delete(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function forgetAll(): void {
  for (const [folder, pid] of kept) {
    if (pid !== undefined) signalTree(pid, 'SIGKILL')
    forget(folder)
  }
}
