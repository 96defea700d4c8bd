import { createHash } from 'node:crypto'
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
    let sentAt = performance.now()
    let reply: unknown
    try {
      reply = await connection.command(keys[0], ['EVALSHA', script.sha, ...rest])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      sentAt = performance.now()
      reply = await connection.command(keys[0], ['EVAL', script.source, ...rest])
    }
    const tokens = textOf(reply).split(' ')
    clock.learn(Number(tokens[0]), sentAt)
    return tokens
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
