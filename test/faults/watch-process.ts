/** What a process has failed to handle. */
export interface ProcessWatch {
  /** The names and codes of the errors. */
  readonly seen: readonly string[]
  close(): void
}

/** Notes unhandled rejections and uncaught exceptions, which would end the process of a server. */
export function watchProcess(): ProcessWatch {
  const seen: string[] = []
  const note = (error: unknown): void => {
    const { name, code, stack } = Object(error) as {
      name?: unknown
      code?: unknown
      stack?: unknown
    }
    const place = /\n\s+at (?:.*\()?([^()]*)\)?$/m.exec(String(stack))?.[1]?.split('/').slice(-3)
    seen.push(`${String(name)} ${String(code)} at ${place?.join('/') ?? 'an unknown place'}`)
  }
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  return {
    seen,
    close() {
      process.off('unhandledRejection', note)
      process.off('uncaughtException', note)
    },
  }
}
