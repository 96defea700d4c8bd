import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/**
 * Sends a signal to a process and to all that descend from it, and returns their ids. A process group would not do:
 * each child of PostgreSQL's leads a group of its own.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): number[] {
  // A stopped root starts no more children while they are looked up; a killed one would leave them to init.
  if (signal !== 'SIGCONT') send(pid, 'SIGSTOP')
  const pids = [pid, ...descendantsOf(pid)]
  for (const each of pids.toReversed()) send(each, signal)
  return pids
}

/** Waits until none of the processes runs any more. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(runs)) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Whether a process runs. One that only waits to be reaped, which init may never do in a container, does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !existsSync('/proc/self/stat') || (statOf(pid)?.state ?? 'Z') !== 'Z'
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}

function descendantsOf(root: number): number[] {
  const parents = existsSync('/proc/self/stat') ? parentsFromProc() : parentsFromPs()
  const found = [root]
  for (const parent of found) for (const [pid, of] of parents) if (of === parent) found.push(pid)
  return found.slice(1)
}

function parentsFromProc(): [number, number][] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean)
  return pids.flatMap((pid) => {
    const stat = statOf(pid)
    return stat === undefined ? [] : [[pid, stat.parent] as [number, number]]
  })
}

function parentsFromPs(): [number, number][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // "pid (name) state ppid ...": the name may hold anything, brackets and spaces too.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}
