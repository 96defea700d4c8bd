import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--expose-gc')

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  globalThis.gc()
}

/** Bytes in use after a full collection: of the heap, and of the heap and all buffers. */
export function bytesInUse(): { readonly heap: number; readonly all: number } {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed, all: heapUsed + external }
}

/** Milliseconds of processor time that this process has had, in all its threads: what others do is not in it. */
export function busyMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Milliseconds of full collections: the processor time of one, which several threads share, and the shortest on the
 * clock.
 */
export function collections(times: number): { readonly busy: number; readonly least: number } {
  let least = Infinity
  const startedMs = busyMs()
  for (let time = 0; time < times; time++) {
    const beganMs = performance.now()
    collect()
    least = Math.min(least, performance.now() - beganMs)
  }
  return { busy: Math.round((busyMs() - startedMs) / times), least: Math.round(least) }
}

/** To hundredths. */
export function rounded(number: number): number {
  return Math.round(number * 100) / 100
}
