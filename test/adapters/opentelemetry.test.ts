// The real API and the real SDK: what counts is what an exporter gets.
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTelemetry } from '../../src/adapters/opentelemetry.ts'
import type { TelemetryOptions } from '../../src/adapters/opentelemetry.ts'
import { BackendError } from '../../src/core/errors.ts'
import {
  operationStart,
  publishCleared,
  publishConflict,
  publishCreated,
  publishDuplicated,
  publishFault,
  publishInvalid,
  publishMalformed,
  publishOperation,
  publishRead,
  publishRefused,
  publishRejected,
  publishReused,
  publishRotated,
  publishSwept,
  publishTouched,
  publishWritten,
} from '../../src/core/events.ts'
import { publishConfirmed, publishRenewed } from '../../src/core/lifecycle/renewal-events.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'

const handle = handleOf(generateKey())
const spans = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.DELTA)
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 1e8 })
const stops: (() => void)[] = []

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const spanProcessors = [new SimpleSpanProcessor({ exporter: spans })]
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
})

afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  await points()
  spans.reset()
})

afterAll(async () => {
  await reader.shutdown()
  for (const api of [context, trace, metrics]) api.disable()
})

function start(options: TelemetryOptions): void {
  stops.push(startTelemetry(options))
}

const withTracer = (): void => start({ tracer: trace.getTracer('sojourn') })
const withMeter = (): void => start({ meter: metrics.getMeter('sojourn') })

/** A call of a store that ends at once, or later. */
async function call(
  operation: 'get' | 'set',
  { outcome = 'ok', until }: { outcome?: 'ok' | 'fault'; until?: Promise<void> } = {},
): Promise<void> {
  const started = operationStart()
  await until
  publishOperation(operation, started, outcome)
}

/** What has been counted since the last look: `name attribute=value` with its number. */
async function points(): Promise<Record<string, unknown>> {
  measured.reset()
  await reader.forceFlush()
  const found: Record<string, unknown> = {}
  for (const { scopeMetrics } of measured.getMetrics()) {
    for (const { descriptor, dataPoints } of scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const { attributes, value } of dataPoints) {
        const named = Object.entries(attributes).map(([name, value]) => ` ${name}=${String(value)}`)
        found[`${descriptor.name}${named.join('')}`] = value
      }
    }
  }
  return found
}

function msOf([seconds, nanoseconds]: ReadableSpan['startTime']): number {
  return seconds * 1000 + nanoseconds / 1e6
}

describe('startTelemetry with a tracer', () => {
  it('makes a span of each call of a store, under the one that is active', async () => {
    withTracer()
    const tracer = trace.getTracer('app')
    await tracer.startActiveSpan('request', async (request) => {
      await call('get')
      await tracer.startActiveSpan('handler', async (handler) => {
        await call('set')
        handler.end()
      })
      request.end()
    })
    const finished = spans.getFinishedSpans()
    const [get, set, handler, request] = finished
    expect(finished.map(({ name }) => name)).toEqual([
      'sojourn get',
      'sojourn set',
      'handler',
      'request',
    ])
    expect(get?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(set?.parentSpanContext?.spanId).toBe(handler?.spanContext().spanId)
    expect(get?.attributes).toEqual({ 'sojourn.operation': 'get' })
    expect(get?.status.code).toBe(SpanStatusCode.UNSET)
    expect(get?.instrumentationScope.name).toBe('sojourn')
  })

  it('keeps the spans of parallel requests apart, each from its start to its end', async () => {
    withTracer()
    const tracer = trace.getTracer('app')
    let release = (): void => {}
    const until = new Promise<void>((resolve) => (release = resolve))
    const before = performance.timeOrigin + performance.now()
    const requests = ['one', 'two'].map((name) =>
      tracer.startActiveSpan(name, async (request) => {
        await call('get', name === 'one' ? { until } : {})
        request.end()
      }),
    )
    await requests[1]
    release()
    await requests[0]
    const [two, , one] = spans.getFinishedSpans()
    const parents = spans.getFinishedSpans().filter(({ name }) => !name.startsWith('sojourn'))
    const idOf = (name: string) => parents.find((span) => span.name === name)?.spanContext().spanId
    expect(two?.parentSpanContext?.spanId).toBe(idOf('two'))
    expect(one?.parentSpanContext?.spanId).toBe(idOf('one'))
    if (one === undefined || two === undefined) throw new Error('a span is missing')
    expect(msOf(one.startTime)).toBeGreaterThanOrEqual(before - 1)
    expect(msOf(one.startTime)).toBeLessThanOrEqual(msOf(two.endTime))
    expect(msOf(one.endTime)).toBeGreaterThanOrEqual(msOf(two.endTime))
  })

  it('marks the span of a call that failed', async () => {
    withTracer()
    await call('get', { outcome: 'fault' })
    const [span] = spans.getFinishedSpans()
    expect(span?.status.code).toBe(SpanStatusCode.ERROR)
    expect(span?.attributes).toEqual({ 'sojourn.operation': 'get', 'error.type': 'BackendError' })
  })

  it('makes no metrics', async () => {
    withTracer()
    await call('get')
    expect(await points()).toEqual({})
  })
})

describe('startTelemetry with a meter', () => {
  it('measures the calls of a store in seconds, by operation and failure', async () => {
    withMeter()
    await call('get')
    await call('get')
    await call('set', { outcome: 'fault' })
    const found = await points()
    const name = 'sojourn.store.operation.duration'
    const get = found[`${name} sojourn.operation=get`] as { count: number; sum: number }
    expect(get.count).toBe(2)
    expect(get.sum).toBeGreaterThan(0)
    expect(get.sum).toBeLessThan(1)
    expect(get).toHaveProperty('buckets.boundaries', [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
    expect(found).toHaveProperty(
      [`${name} sojourn.operation=set error.type=BackendError`, 'count'],
      1,
    )
    expect(spans.getFinishedSpans()).toEqual([])
  })

  it('counts look-ups by outcome, and what may be an attack', async () => {
    withMeter()
    publishRead(handle, 'ann', 'found')
    publishRead(handle, 'ann', 'found')
    publishRead(handle, undefined, 'not_set')
    publishRejected(handle, undefined, 'unknown')
    publishRejected(handle, 'ann', 'wrong_secret')
    publishRejected(undefined, undefined, 'not_found')
    publishMalformed(5)
    publishReused(handle, 'ann', true)
    publishDuplicated(2, 2)
    expect(await points()).toEqual({
      'sojourn.lookup.count sojourn.outcome=found': 2,
      'sojourn.lookup.count sojourn.outcome=not_set': 1,
      'sojourn.lookup.count sojourn.outcome=unknown': 1,
      'sojourn.lookup.count sojourn.outcome=wrong_secret': 1,
      'sojourn.lookup.count sojourn.outcome=not_found': 1,
      'sojourn.lookup.count sojourn.outcome=malformed': 1,
      'sojourn.alarm.count sojourn.alarm=wrong_secret': 1,
      'sojourn.alarm.count sojourn.alarm=key_reused': 1,
      'sojourn.alarm.count sojourn.alarm=cookie_duplicated': 1,
    })
  })

  it('counts what happens to sessions', async () => {
    withMeter()
    publishCreated(handle, undefined, 60)
    publishWritten(handle, undefined, true, 2)
    publishTouched(handle, undefined, 60)
    publishRotated(handle, 'ann', true, true)
    publishRotated(handle, undefined, false, false)
    publishRenewed(handle, 'ann')
    publishConfirmed(handle, 'ann', 60_000)
    publishConflict(handle, undefined, 'set')
    publishRefused(handle, 'ann')
    publishInvalid(handle, 'ann')
    publishCleared('subject', 5, undefined, 'ann')
    publishCleared('key', undefined, handle, undefined)
    const happened = ['created', 'written', 'touched', 'bound', 'rotated', 'renewed', 'confirmed']
    const once = [...happened, 'conflict', 'refused', 'invalid']
    const name = 'sojourn.session.event.count sojourn.event='
    expect(await points()).toEqual({
      ...Object.fromEntries(once.map((event) => [`${name}${event}`, 1])),
      [`${name}cleared`]: 6,
    })
  })

  it('counts faults by what the driver called them, and sessions swept', async () => {
    withMeter()
    const cause = Object.assign(new Error('no'), { code: 'ECONNREFUSED' })
    publishFault('get', new BackendError('no', { cause }))
    publishFault('set', new BackendError('late'))
    publishSwept(7, performance.now())
    const faults = 'sojourn.store.fault.count sojourn.operation='
    expect(await points()).toEqual({
      [`${faults}get error.type=ECONNREFUSED`]: 1,
      [`${faults}set error.type=BackendError`]: 1,
      'sojourn.store.swept.count': 7,
    })
  })
})

describe('startTelemetry', () => {
  it('reports nothing any more once it is stopped', async () => {
    start({ tracer: trace.getTracer('sojourn'), meter: metrics.getMeter('sojourn') })
    for (const stop of stops.splice(0)) stop()
    expect(operationStart()).toBeUndefined()
    publishCreated(handle, 'ann', 60)
    await call('get')
    expect(await points()).toEqual({})
    expect(spans.getFinishedSpans()).toEqual([])
  })

  it('refuses what is no tracer, no meter and no option', () => {
    const starting = (options: object) => () => startTelemetry(options)
    expect(starting({ tracer: trace })).toThrow('"tracer" must be a Tracer')
    expect(starting({ meter: metrics })).toThrow('"meter" must be a Meter')
    expect(starting({ metre: 1 })).toThrow('startTelemetry has no option "metre"')
  })
})
