import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of a few megabytes, in memory. */
export interface SmallDisk {
  /** Runs `start` so that what it makes in the folder for temporary files is made on the disk. */
  hold<T>(start: () => Promise<T>): Promise<T>
  /** Takes all the room that is left. */
  fill(): Promise<void>
  /** Gives it back. */
  drain(): void
  /** Removes the disk. Nothing may be in use on it. */
  remove(): void
}

const MEGABYTE = 2 ** 20

/**
 * Makes a disk of `megabytes`.
 *
 * @throws {Error} with the reason where mounting is not allowed.
 */
export function createSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-disk-'))
  try {
    const options = `size=${megabytes}m,mode=1777`
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    rmSync(folder, { recursive: true, force: true })
    throw new Error('a disk of its own cannot be mounted here: that takes root')
  }
  const filler = join(folder, 'filler')
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' })
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', unmount)
  return {
    async hold(start) {
      const before = process.env['TMPDIR']
      process.env['TMPDIR'] = folder
      try {
        return await start()
      } finally {
        if (before === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = before
      }
    },
    async fill() {
      const file = await open(filler, 'w')
      for (const size of [MEGABYTE, 4096]) while (await canWrite(file, size));
      await file.close()
    },
    drain: () => rmSync(filler, { force: true }),
    remove() {
      process.off('exit', unmount)
      unmount()
    },
  }
}

async function canWrite(file: FileHandle, size: number): Promise<boolean> {
  try {
    return (await file.write(Buffer.alloc(size))).bytesWritten === size
  } catch {
    return false
  }
}
