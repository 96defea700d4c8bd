import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits for something that no event tells of, looking every 50 ms. Looking may throw: that is a no.
 *
 * @throws {Error} when `withinMs` have passed, with what the last look threw.
 */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const end = performance.now() + withinMs
  for (;;) {
    let cause: unknown
    try {
      if (await holds()) return
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) throw new Error(`gave up waiting until ${what}`, { cause })
    await pause(50)
  }
}
