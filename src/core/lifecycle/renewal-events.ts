import { openChannel } from '../events.ts'
import type { Handle } from '../key.ts'

// Apart from the others, as what renews is: only those carry it along who need it.
const renewed = openChannel('sojourn:session.renewed')
const confirmed = openChannel('sojourn:session.confirmed')

/** A renewal has begun. Not for a second call that gives the same key again. */
export function publishRenewed(handle: Handle, subject: string | undefined): void {
  if (renewed.hasSubscribers) renewed.publish({ handle, subject })
}

/** The new key of a renewal was seen for the first time. */
export function publishConfirmed(
  handle: Handle,
  subject: string | undefined,
  graceMs: number,
): void {
  if (confirmed.hasSubscribers) confirmed.publish({ handle, subject, graceMs })
}
