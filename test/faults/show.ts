import type { Verdict } from './linearizability.ts'
import type { Operation } from './record-model.ts'

/** A history that cannot be explained, an operation a line, those first that could be put in order. Tokens only. */
export function showHistory(operations: readonly Operation[], verdict: Verdict): string {
  const sorted = operations.toSorted((a, b) => a.invokedAt - b.invokedAt)
  const order = verdict.ok ? [] : verdict.order
  const rest = [...sorted.keys()].filter((at) => !order.includes(at))
  const line = (at: number, mark: string): string => {
    const operation = sorted[at]
    return operation === undefined ? '' : `${mark} ${lineOf(operation)}`
  }
  return [...order.map((at) => line(at, ' ')), ...rest.map((at) => line(at, '?'))].join('\n')
}

function lineOf(operation: Operation): string {
  const { kind, invokedAt, returnedAt, ...others } = operation
  const end = returnedAt === Infinity ? '...' : returnedAt
  return `${invokedAt}-${end} ${kind} ${JSON.stringify(others)}`
}
