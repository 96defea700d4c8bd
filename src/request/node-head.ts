import { varyWithCookie } from '../http/vary.ts'
import type { HeaderField } from '../manager/session-manager.ts'
import type { ResponseHead } from './request-session.ts'

/** The part of `ServerResponse` and `Http2ServerResponse` that session headers are written to. */
export interface NodeResponse {
  readonly headersSent: boolean
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string | readonly string[]): unknown
}

/** The head of a response whose headers stay open to change until they are sent. */
export function createNodeHead(response: NodeResponse): ResponseHead {
  let ours: readonly string[] = []

  function writeField([name, value]: HeaderField): void {
    if (name === 'Set-Cookie') return
    if (name !== 'Vary') return void response.setHeader(name, value)
    const vary = varyWithCookie(listOf(response.getHeader('vary')).join(', '))
    if (vary !== undefined) response.setHeader('Vary', vary)
  }

  function write(fields: readonly HeaderField[]): void {
    const lines = fields.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line)
    if (lines.length > 0) {
      const others = listOf(response.getHeader('set-cookie')).filter((line) => !ours.includes(line))
      ours = lines
      response.setHeader('Set-Cookie', [...others, ...lines])
    }
    fields.forEach(writeField)
  }

  return { sent: () => response.headersSent, write }
}

function listOf(value: number | string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'object' ? value : [String(value)]
}
