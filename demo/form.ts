import type { IncomingMessage } from 'node:http'

/** A request that is answered with this status and nothing else. */
export class RefusedError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_BYTES = 4096

/**
 * The fields of a form that this site's own pages have sent. SameSite=Lax keeps the cookie out of most forged
 * requests; this keeps out the rest, such as those of a sibling subdomain.
 */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  assertSameOrigin(request)
  if (request.headers['content-type']?.split(';')[0] !== 'application/x-www-form-urlencoded') {
    throw new RefusedError(415, 'A form was expected.')
  }
  let text = ''
  request.setEncoding('utf8')
  for await (const piece of request) {
    text += String(piece)
    if (text.length > MAX_BYTES) throw new RefusedError(413, 'That is too much for this form.')
  }
  return new URLSearchParams(text)
}

/** Every current browser says where a request comes from; one that says nothing has to name the origin. */
function assertSameOrigin({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site']
  const { origin, host } = headers
  const same = site === undefined ? isOriginOf(origin, host) : site === 'same-origin'
  if (!same) throw new RefusedError(403, 'That form was not one of this site.')
}

function isOriginOf(origin: string | undefined, host: string | undefined): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
}
