import type { TraceHook } from './engine.ts'

/** As far as it is used, a context of OpenTelemetry's. */
interface Context {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): Context
  deleteValue(key: symbol): Context
}

/** As far as it is used, a span of OpenTelemetry's. */
interface Span {
  recordException(error: Error | string): void
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** What is used of the package `@opentelemetry/api`. */
export interface OpenTelemetryApi {
  readonly context: {
    active(): Context
    with<Result>(context: Context, work: () => Result): Result
  }
  readonly propagation: {
    inject(context: Context, carrier: Record<string, string>): void
    extract(context: Context, carrier: Record<string, string>): Context
  }
  readonly trace: {
    getTracer(name: string): {
      startSpan(
        name: string,
        options: { kind: number; attributes: Record<string, string | number> },
        context: Context,
      ): unknown
    }
    setSpan(context: Context, span: never): Context
  }
}

/** `SpanKind.CONSUMER` and `SpanStatusCode.ERROR` of the package. */
const consumer = 4
const failed = 2

/**
 * Carries OpenTelemetry's context from the enqueue of a job to its attempts, as the option `trace` of `Jobs`: each attempt is a span
 * named `perform <job>`, a child of the span that was active when the job was enqueued, or one of its own where none was. What an
 * attempt fails with stands in its span.
 *
 * ```ts
 * export default defineConfig({ jobs: { trace: openTelemetryTrace(api) } })
 * ```
 *
 * What is stored is what the propagator of the process writes, such as W3C's `traceparent`; without one nothing is.
 *
 * @param api The package `@opentelemetry/api`, as `import * as api` gives it.
 */
export function openTelemetryTrace(api: OpenTelemetryApi): TraceHook {
  const { context, propagation, trace } = api
  return {
    capture() {
      const carrier: Record<string, string> = {}
      propagation.inject(context.active(), carrier)
      return Object.keys(carrier).length === 0 ? undefined : JSON.stringify(carrier)
    },
    run(captured, perform, { id, name, queue, attempt }) {
      const parent = propagation.extract(context.active(), carrierOf(captured))
      const attributes = {
        'messaging.system': 'handcar.jobs',
        'messaging.operation.type': 'process',
        'messaging.destination.name': queue,
        'messaging.message.id': String(id),
        'handcar.job.name': name,
        'handcar.job.attempt': attempt,
      }
      const span = trace
        .getTracer('handcar.jobs')
        .startSpan(`perform ${name}`, { kind: consumer, attributes }, parent)
      return context.with(trace.setSpan(parent, span as never), () => inSpan(span as Span, perform))
    },
  }
}

/** A trace that somebody else has written is none. */
function carrierOf(captured: string | undefined): Record<string, string> {
  try {
    return captured === undefined ? {} : (JSON.parse(captured) as Record<string, string>)
  } catch {
    return {}
  }
}

/** Ends the span when the work has ended. */
function inSpan<Result>(span: Span, work: () => Result): Result {
  const fail = (error: unknown): void => {
    const cause = error instanceof Error ? error : String(error)
    span.recordException(cause)
    span.setStatus({ code: failed, message: cause instanceof Error ? cause.message : cause })
  }
  let result: Result
  try {
    result = work()
  } catch (error) {
    fail(error)
    span.end()
    throw error
  }
  if (result instanceof Promise) void result.catch(fail).finally(() => span.end())
  else span.end()
  return result
}
