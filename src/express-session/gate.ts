/** The part of a response by which its headers and its body leave. */
export interface GatedResponse {
  statusCode?: number
  readonly headersSent?: boolean
  writeHead?: Method
  write?: Method
  end?: Method
  flushHeaders?: Method
  setHeader?(name: string, value: unknown): unknown
  appendHeader?(name: string, value: unknown): unknown
  removeHeader?(name: string): unknown
  emit?(event: string): unknown
}

type Method = (this: GatedResponse, ...parameters: readonly unknown[]) => unknown
type Name = 'writeHead' | 'write' | 'end' | 'flushHeaders'

/** What a gate waits for. A step gives `undefined` where there is nothing to wait for. */
export interface GateSteps {
  /** Before the headers leave. */
  readonly beforeHeaders: () => Promise<void> | undefined
  /** Before the end of a response whose headers have left. */
  readonly beforeEnd: () => Promise<void> | undefined
  /** A step has failed: nothing of the response has been sent since, and the next one goes through. */
  readonly failed: (error: unknown) => void
}

// What has been said of a body that is not sent (RFC 9110 §8), and where to go instead.
const OF_BODY = [
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Content-Range',
  'Content-Language',
  'Content-Disposition',
  'Transfer-Encoding',
  'ETag',
  'Last-Modified',
  'Location',
]

/**
 * Holds back the headers of a response, and all that follows, until a step is done. Calls that come meanwhile keep
 * their order. Where there is nothing to wait for, they go straight through.
 */
export function gateResponse(response: GatedResponse, steps: GateSteps): void {
  const { writeHead, write, end, flushHeaders } = response
  const original = { writeHead, write, end, flushHeaders }
  let state: 'fresh' | 'held' | 'open' = 'fresh'
  let ended = false
  let starved = false
  let waiting: (() => unknown)[] = []

  function pass(name: Name, parameters: readonly unknown[]): unknown {
    return Reflect.apply(original[name] as Method, response, parameters)
  }

  function wait(step: () => Promise<void> | undefined): void {
    const work = attempt(step)
    state = work === undefined ? 'open' : 'held'
    if (work === undefined) return
    const { statusCode } = response
    // To the application, a response that it has begun is on its way.
    Object.defineProperty(response, 'headersSent', { value: true, configurable: true })
    work.then(
      () => {
        const calls = unhold()
        // What is said of it while it is held comes too late, as it would be without.
        if (response.headersSent !== true && statusCode !== undefined)
          response.statusCode = statusCode
        release(calls)
      },
      (error: unknown) => {
        unhold()
        ended = true
        if (response.headersSent !== true) forget(response)
        steps.failed(error)
      },
    )
  }

  function unhold(): (() => unknown)[] {
    const calls = waiting
    waiting = []
    state = 'open'
    delete (response as { headersSent?: boolean }).headersSent
    return calls
  }

  function release(calls: readonly (() => unknown)[]): void {
    let flows: unknown = true
    for (const call of calls) flows = call()
    if (starved && !ended && flows !== false) response.emit?.('drain')
    starved = false
  }

  function leave(name: Name, parameters: readonly unknown[], whileHeld: unknown): unknown {
    if (state === 'fresh') wait(steps.beforeHeaders)
    else if (name === 'end' && state === 'open' && !ended) wait(steps.beforeEnd)
    if (name === 'end') ended = true
    if (state === 'open') return pass(name, parameters)
    waiting.push(() => pass(name, parameters))
    return whileHeld
  }

  const gated: Readonly<Record<Name, Method>> = {
    writeHead(...parameters) {
      if (state === 'open') return pass('writeHead', parameters)
      // Others that patch a response ask for its implicit head again until they see it sent.
      if (state === 'held') return response
      return leave('writeHead', headOf(response, parameters), response)
    },
    write(...parameters) {
      starved ||= state !== 'open'
      return leave('write', parameters, false)
    },
    end(...parameters) {
      if (ended && state === 'held') return response
      return leave('end', parameters, response)
    },
    flushHeaders: (...parameters) => leave('flushHeaders', parameters, undefined),
  }
  for (const [name, method] of Object.entries(original)) {
    if (method !== undefined) response[name as Name] = gated[name as Name]
  }
}

function attempt(step: () => Promise<void> | undefined): Promise<void> | undefined {
  try {
    return step()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** Puts the headers of a `writeHead` among the others, so that none of them replaces the session's. */
function headOf(response: GatedResponse, parameters: readonly unknown[]): readonly unknown[] {
  const [status, ...others] = parameters
  const message = typeof others[0] === 'string' ? others[0] : undefined
  const headers = others[message === undefined ? 0 : 1] ?? others[1]
  if (Array.isArray(headers)) {
    const pairs = Array.isArray(headers[0]) ? headers.flat() : headers
    const names = pairs.filter((_, index) => index % 2 === 0).map(String)
    new Set(names).forEach((name) => response.removeHeader?.(name))
    names.forEach((name, index) => response.appendHeader?.(name, pairs[2 * index + 1]))
  } else if (typeof headers === 'object' && headers !== null) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader?.(name, value)
    }
  }
  if (typeof status === 'number') response.statusCode = status
  return message === undefined ? [status] : [status, message]
}

function forget(response: GatedResponse): void {
  OF_BODY.forEach((name) => response.removeHeader?.(name))
  response.statusCode = 500
}
