import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerClock } from './clock.ts'
import { textOf } from './connection.ts'
import type { Connection } from './connection.ts'

/** A script of this backend: its source and the name under which a server keeps it. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/** Runs scripts. */
export interface ScriptRunner {
  /**
   * Runs one on the master that holds the first key, and gives the tokens of its answer but for the first, which
   * is the server's time.
   */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<string[]>
  /** As `run`, with the server's time in front. */
  runTimed(script: Script, keys: readonly string[], args: readonly string[]): Promise<string[]>
}

/** Makes a script of its source. */
export function scriptOf(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

// How often and for how long a script is sent again while its slot moves from one master to another.
const TRY_AGAIN_MS = 25
const TRY_AGAIN_FOR_MS = 5000

/**
 * Makes a runner on `connection`. A server that does not know a script – new, restarted, failed over, flushed – is
 * sent its source, once: that also makes it known. Every answer sets `clock`.
 */
export function createScriptRunner(connection: Connection, clock: ServerClock): ScriptRunner {
  async function runTimed(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<string[]> {
    const rest = [String(keys.length), ...keys, ...args]
    let command = ['EVALSHA', script.sha, ...rest]
    const began = performance.now()
    for (;;) {
      const sentAt = performance.now()
      try {
        const tokens = textOf(await connection.command(keys[0], command)).split(' ')
        clock.learn(Number(tokens[0]), sentAt)
        return tokens
      } catch (error) {
        if (isUnknownScript(error) && command[0] === 'EVALSHA') {
          command = ['EVAL', script.source, ...rest]
        } else if (isMoving(error) && sentAt - began < TRY_AGAIN_FOR_MS) {
          await pause(TRY_AGAIN_MS)
        } else throw error
      }
    }
  }

  return {
    runTimed,
    async run(script, keys, args) {
      return (await runTimed(script, keys, args)).slice(1)
    },
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && /\bNOSCRIPT\b|NoScriptError/.test(error.message)
}

/** Whether the keys of a script are on two masters just now, which a cluster says instead of running it. */
function isMoving(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('TRYAGAIN')
}
