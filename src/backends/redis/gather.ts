import { BackendError } from '../../core/errors.ts'
import type { Connection } from './connection.ts'

/** Gets the string under a key; null when there is none. */
export type Get = (key: string) => Promise<unknown>

interface Waiting {
  readonly key: string
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

// Keys in one command: its price has been shared by then, and no other client waits long for it.
const MOST = 32

/**
 * Makes a `Get` that sends what is asked for in one go in one command: a GET, or an MGET for several keys. A command
 * costs a driver several times what a key costs, and this makes up for what the rest of a read costs. Nothing waits
 * for company: what was asked for is sent before anything else happens. In a cluster, keys are in different slots,
 * and each has its own GET.
 */
export function createGet(connection: Connection): Get {
  if (connection.cluster) return (key) => connection.command(key, ['GET', key])
  let waiting: Waiting[] = []

  /** Some drivers throw where others reject. */
  async function ask(key: string, command: string[]): Promise<unknown> {
    return connection.command(key, command)
  }

  function send(): void {
    const batch = waiting
    waiting = []
    const [first] = batch
    if (first === undefined) return
    if (batch.length === 1) {
      ask(first.key, ['GET', first.key]).then(first.resolve, first.reject)
      return
    }
    const command = ['MGET', ...batch.map(({ key }) => key)]
    ask(first.key, command).then(
      (replies) => give(batch, replies),
      (error: unknown) => {
        for (const { reject } of batch) reject(error)
      },
    )
  }

  return (key) =>
    new Promise((resolve, reject) => {
      const count = waiting.push({ key, resolve, reject })
      if (count === 1) queueMicrotask(send)
      else if (count === MOST) send()
    })
}

function give(batch: readonly Waiting[], replies: unknown): void {
  if (Array.isArray(replies) && replies.length === batch.length) {
    for (const [at, { resolve }] of batch.entries()) resolve(replies[at])
    return
  }
  for (const { reject } of batch) reject(new BackendError('Redis gave no answer to each key'))
}
