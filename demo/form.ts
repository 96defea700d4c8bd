import type { IncomingMessage } from 'node:http'

const MAX_BYTES = 4096
const MAX_DISCARDED_BYTES = 2 ** 23
const TITLES: Readonly<Record<number, string>> = {
  404: 'Not found',
  405: 'Not like this',
  413: 'Too much',
  415: 'Not a form',
}

/** A request that is answered with this status and a few words. */
export class RefusedError extends Error {
  readonly status: number
  readonly title: string

  constructor(status: number, message: string) {
    super(message)
    this.status = status
    this.title = TITLES[status] ?? 'Refused'
  }
}

/** Refuses what is no form. */
export function assertForm({ headers }: IncomingMessage): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new RefusedError(415, 'This address takes forms alone.')
  }
}

/**
 * The fields of a form. What is too long is read on for a while, though not kept: a browser shows the answer
 * only when it has sent everything.
 */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes <= MAX_BYTES) pieces.push(piece)
    else if (bytes > MAX_DISCARDED_BYTES) break
  }
  if (bytes > MAX_BYTES) throw new RefusedError(413, 'That is more than this form holds.')
  return new URLSearchParams(Buffer.concat(pieces).toString())
}
