/**
 * Spans and metrics of OpenTelemetry, made of the events of every manager in the process.
 *
 * @module `sojourn/adapters/opentelemetry`
 */
import type { StoreOperation } from '../core/event-messages.ts'
import { onSessionEvent } from '../core/events.ts'
import { assertOptions } from '../core/options.ts'

/** Attributes of a span or a measurement. Neither a handle nor a subject is ever among them. */
export type TelemetryAttributes = Readonly<Record<string, string | number | boolean>>

/** The part of a `Tracer` of `@opentelemetry/api` that is called. */
export interface TelemetryTracer {
  startSpan(
    name: string,
    options: { readonly startTime: number; readonly attributes: TelemetryAttributes },
  ): TelemetrySpan
}

/** The part of a `Span` that is called. */
export interface TelemetrySpan {
  setStatus(status: { readonly code: 2 }): unknown
  end(endTime: number): void
}

/** The part of a `Meter` of `@opentelemetry/api` that is called. */
export interface TelemetryMeter {
  createCounter(name: string, options: InstrumentOptions): TelemetryCounter
  createHistogram(name: string, options: HistogramOptions): TelemetryHistogram
}

/** What an instrument is and measures. */
export interface InstrumentOptions {
  readonly description: string
  readonly unit: string
}

/** The same of a histogram, with the bounds of its buckets. */
export interface HistogramOptions extends InstrumentOptions {
  readonly advice: { readonly explicitBucketBoundaries: number[] }
}

/** The part of a `Counter` that is called. */
export interface TelemetryCounter {
  add(value: number, attributes?: TelemetryAttributes): void
}

/** The part of a `Histogram` that is called. */
export interface TelemetryHistogram {
  record(value: number, attributes?: TelemetryAttributes): void
}

/** Options of `startTelemetry`. */
export interface TelemetryOptions {
  /** Makes a span of each call of a store, under the span that is active where it was made. Default: no spans. */
  readonly tracer?: TelemetryTracer | undefined
  /** Makes the counters and the histogram. Default: no metrics. */
  readonly meter?: TelemetryMeter | undefined
}

// Span status ERROR of the API.
const ERROR = { code: 2 } as const
// Those that the semantic conventions give for calls of databases, in seconds.
const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * Reports the sessions of this process to OpenTelemetry until the returned function is called. It loads no package:
 * give it the tracer and the meter of the API that you use.
 *
 * Spans and metrics name operations and outcomes. No handle, subject, key or value is in them.
 *
 * @throws TypeError for an unknown option, or one of the wrong type.
 * @example
 * ```ts
 * import { metrics, trace } from '@opentelemetry/api'
 * import { startTelemetry } from 'sojourn/adapters/opentelemetry'
 *
 * export const stop = startTelemetry({
 *   tracer: trace.getTracer('sojourn'),
 *   meter: metrics.getMeter('sojourn'),
 * })
 * ```
 */
export function startTelemetry(options: TelemetryOptions): () => void {
  assertOptions('startTelemetry', options, ['tracer', 'meter'])
  const { tracer, meter } = options
  if (tracer !== undefined && typeof tracer.startSpan !== 'function') {
    throw new TypeError('"tracer" must be a Tracer')
  }
  if (meter !== undefined && typeof meter.createCounter !== 'function') {
    throw new TypeError('"meter" must be a Meter')
  }
  const stops = [
    ...(tracer === undefined ? [] : traced(tracer)),
    ...(meter === undefined ? [] : [...measured(meter), ...counted(meter)]),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function attributesOf({ operation, outcome }: StoreOperation): TelemetryAttributes {
  const named = { 'sojourn.operation': operation }
  return outcome === 'ok' ? named : { ...named, 'error.type': 'BackendError' }
}

/**
 * The event comes when the call has ended, in the context in which it was made: the span gets its parent from there
 * and its start from the event. So a call costs nothing beforehand, with or without a tracer.
 */
function traced(tracer: TelemetryTracer): (() => void)[] {
  return [
    onSessionEvent('sojourn:store.operation', (event) => {
      const { operation, startedAtMs, durationMs, outcome } = event
      const attributes = attributesOf(event)
      const span = tracer.startSpan(`sojourn ${operation}`, { startTime: startedAtMs, attributes })
      if (outcome === 'fault') span.setStatus(ERROR)
      span.end(startedAtMs + durationMs)
    }),
  ]
}

function measured(meter: TelemetryMeter): (() => void)[] {
  const duration = meter.createHistogram('sojourn.store.operation.duration', {
    description: 'Duration of the calls of the session store',
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDARIES },
  })
  return [
    onSessionEvent('sojourn:store.operation', (event) =>
      duration.record(event.durationMs / 1000, attributesOf(event)),
    ),
  ]
}

function counted(meter: TelemetryMeter): (() => void)[] {
  const counter = (name: string, unit: string, description: string): TelemetryCounter =>
    meter.createCounter(`sojourn.${name}`, { unit: `{${unit}}`, description })
  return [
    ...countedLookups(counter('lookup.count', 'lookup', 'Keys that were looked up, by outcome')),
    ...countedSessions(counter('session.event.count', 'event', 'What happened to sessions')),
    ...countedAlarms(counter('alarm.count', 'alarm', 'What may be an attack')),
    ...countedStore(
      counter('store.fault.count', 'fault', 'Calls of the store that failed'),
      counter('store.swept.count', 'session', 'Expired sessions that were removed'),
    ),
  ]
}

function countedLookups(lookups: TelemetryCounter): (() => void)[] {
  const count = (outcome: string): void => lookups.add(1, { 'sojourn.outcome': outcome })
  return [
    onSessionEvent('sojourn:session.read', ({ outcome }) => count(outcome)),
    onSessionEvent('sojourn:key.rejected', ({ reason }) => count(reason)),
    onSessionEvent('sojourn:key.malformed', () => count('malformed')),
  ]
}

function countedSessions(sessions: TelemetryCounter): (() => void)[] {
  const count = (event: string, by = 1): void => sessions.add(by, { 'sojourn.event': event })
  return [
    onSessionEvent('sojourn:session.created', () => count('created')),
    onSessionEvent('sojourn:session.written', () => count('written')),
    onSessionEvent('sojourn:session.touched', () => count('touched')),
    onSessionEvent('sojourn:session.rotated', ({ bound }) => count(bound ? 'bound' : 'rotated')),
    onSessionEvent('sojourn:session.renewed', () => count('renewed')),
    onSessionEvent('sojourn:session.confirmed', () => count('confirmed')),
    onSessionEvent('sojourn:session.conflict', () => count('conflict')),
    onSessionEvent('sojourn:session.refused', () => count('refused')),
    onSessionEvent('sojourn:session.invalid', () => count('invalid')),
    onSessionEvent('sojourn:session.cleared', ({ count: sessions = 1 }) =>
      count('cleared', sessions),
    ),
  ]
}

function countedAlarms(alarms: TelemetryCounter): (() => void)[] {
  const count = (alarm: string): void => alarms.add(1, { 'sojourn.alarm': alarm })
  return [
    onSessionEvent('sojourn:key.reused', () => count('key_reused')),
    onSessionEvent('sojourn:cookie.duplicated', () => count('cookie_duplicated')),
    onSessionEvent('sojourn:key.rejected', ({ reason }) => {
      if (reason === 'wrong_secret') count('wrong_secret')
    }),
  ]
}

function countedStore(faults: TelemetryCounter, swept: TelemetryCounter): (() => void)[] {
  return [
    onSessionEvent('sojourn:store.fault', ({ operation, causeCode = 'BackendError' }) =>
      faults.add(1, { 'sojourn.operation': operation, 'error.type': causeCode }),
    ),
    onSessionEvent('sojourn:store.swept', ({ removed }) => swept.add(removed)),
  ]
}
