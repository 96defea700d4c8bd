import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'

/** What clients have sent to a server since it was last asked. */
export interface Monitor {
  /** The names of the commands in capitals, but for those that scripts call. */
  sent(): Promise<string[]>
  close(): void
}

// 1795571879.486550 [0 127.0.0.1:39668] "GET" "key"; in place of the address `lua` for what a script calls.
const LINE = /^[\d.]+ \[\d+ (\S+)\] "(\w+)"/

/** Listens in on a server, by MONITOR. */
export async function monitor(url: string): Promise<Monitor> {
  const [own, monitoring] = [createClient({ url }), createClient({ url })]
  for (const client of [own, monitoring]) client.on('error', () => {})
  await Promise.all([own.connect(), monitoring.connect()])
  let lines: string[] = []
  let awaited: { readonly mark: string; readonly reached: () => void } | undefined
  await monitoring.monitor((line) => {
    if (awaited !== undefined && line.includes(awaited.mark)) awaited.reached()
    else lines.push(line)
  })
  return {
    async sent() {
      const mark = `mark ${randomUUID()}`
      const reached = new Promise<void>((resolve) => (awaited = { mark, reached: resolve }))
      await own.ping(mark)
      await reached
      const seen = lines.map((line) => LINE.exec(line) ?? [])
      lines = []
      return seen
        .filter(([, source]) => source !== 'lua')
        .map(([, , name = '']) => name.toUpperCase())
    },
    close() {
      monitoring.destroy()
      own.destroy()
    },
  }
}
