import { plainText } from '../core/labels.ts'
import type { Labels } from '../core/session-backend.ts'
import { headerOf } from './header-source.ts'
import type { HeaderSource } from './header-source.ts'

/** Options of `clientLabels`. */
export interface ClientLabelsOptions {
  /**
   * Where the request came from, as the server or a proxy that you trust tells it: `request.socket.remoteAddress`. Personal
   * data in most places, so it is kept only if it is given.
   */
  readonly address?: string | undefined
}

const LONGEST_AGENT = 256
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/
// Its characters; what they say is for the grammar of URLs to judge (RFC 4291 §2.2).
const IPV6 = /^[\da-f:.]{2,45}$/i
const MAPPED = /^::ffff:(?=\d+\.)/i

/**
 * What a client says it is, as labels for `bind` or `generate`: `userAgent`, and `address` where that is given. Nothing
 * records them unasked. What is not there, or is no address, is left out. Both are what the client wants
 * them to be: for the user to recognise a device by, and no proof of anything.
 *
 * `userAgent` is at most 256 printable ASCII characters and holds none of `<`, `>`, `&`, quotes and backslashes, so that a
 * page or a log that forgets to escape it is not open to whoever sends it.
 *
 * @throws TypeError when `headers` is none of the accepted forms.
 */
export function clientLabels(headers: HeaderSource, { address }: ClientLabelsOptions = {}): Labels {
  const labels: Record<string, string> = {}
  const agent = typeof headers === 'string' ? undefined : headerOf(headers, 'user-agent')
  const userAgent = agent === undefined ? '' : plainText(agent, LONGEST_AGENT)
  if (userAgent !== '') labels['userAgent'] = userAgent
  const known = address === undefined ? undefined : addressIn(address)
  if (known !== undefined) labels['address'] = known
  return labels
}

/** The address without a zone, and an IPv4 address as such. */
function addressIn(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const [address = ''] = text.replace(MAPPED, '').split('%')
  return IPV4.test(address) || isIPv6(address) ? address.toLowerCase() : undefined
}

function isIPv6(address: string): boolean {
  return IPV6.test(address) && URL.canParse(`http://[${address}]`)
}
