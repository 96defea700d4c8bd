/**
 * What a call of a store made for express-session gives its callback, the first time. A promise that the call returns
 * counts only when it rejects: that of a store that takes callbacks may resolve, to nothing, before the callback has
 * its answer.
 */
export function answerOf(
  call: (callback: (error?: unknown, answer?: unknown) => void) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = call((error, answer) => {
      if (error) reject(error)
      else resolve(answer)
    })
    Promise.resolve(returned).catch(reject)
  })
}

/**
 * Whether an error of such a store stands for "no such session". express-session takes `ENOENT` for that, and stores
 * over files rely on it; but a socket that is not there has the same code, and so has a file in a folder that is not
 * there.
 */
export function isAbsence(error: unknown, sid: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') return false
  if (!('syscall' in error) && !('path' in error)) return true
  if (!('path' in error) || typeof error.path !== 'string' || !error.path.includes(sid))
    return false
  const folder = error.path.replace(/[^/\\]*$/, '') || '.'
  // Asked for at run time, so that importing this module works where there are no files.
  return process.getBuiltinModule?.('node:fs').existsSync(folder) ?? true
}
