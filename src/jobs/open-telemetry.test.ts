import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { defineJob, openTelemetryTrace } from './index.ts'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
api.trace.setGlobalTracerProvider(provider)
api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
/** W3C's format, as `@opentelemetry/core` writes it. */
api.propagation.setGlobalPropagator({
  fields: () => ['traceparent'],
  inject(context, carrier, setter) {
    const span = api.trace.getSpanContext(context)
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
  },
  extract(context, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, 'traceparent')).split('-')
    if (!traceId || !spanId) return context
    return api.trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true })
  },
})
after(() => provider.shutdown())

const tracer = api.trace.getTracer('app')
const spanNow = (): string | undefined => api.trace.getActiveSpan()?.spanContext().spanId

async function spansOf(count: number): Promise<ReadableSpan[]> {
  await waitUntil('the spans have ended', () => exporter.getFinishedSpans().length === count)
  const spans = exporter.getFinishedSpans()
  exporter.reset()
  return spans
}

test('an attempt is a child of the span in which its job was enqueued, and the active one while it runs', async () => {
  const seen: (string | undefined)[] = []
  const inner = defineJob({ name: 'inner', transactional: true, perform: () => void seen.push(spanNow()) })
  const outer = defineJob({
    name: 'outer',
    queue: 'mail',
    async perform(_: undefined, job) {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(spanNow())
      await context.jobs.enqueue(inner)
      if (job.attempt === 1) throw new Error('not yet')
    },
    backoff: () => 0,
  })
  await using context = await jobsForTest([inner, outer], { trace: openTelemetryTrace(api) })
  const root = await tracer.startActiveSpan('request', async (span) => {
    await context.jobs.enqueue(outer)
    span.end()
    return span.spanContext()
  })
  const spans = await spansOf(5)
  assert.deepEqual(new Set(spans.map((span) => span.spanContext().traceId)), new Set([root.traceId]))
  const [failed, succeeded] = spans.filter(({ name }) => name === 'perform outer')
  assert.deepEqual(
    [failed!.parentSpanContext?.spanId, succeeded!.parentSpanContext?.spanId],
    [root.spanId, root.spanId],
  )
  assert.equal(failed!.kind, api.SpanKind.CONSUMER)
  assert.deepEqual(failed!.status, { code: api.SpanStatusCode.ERROR, message: 'not yet' })
  assert.equal(failed!.events[0]?.name, 'exception')
  assert.equal(succeeded!.status.code, api.SpanStatusCode.UNSET)
  assert.deepEqual(succeeded!.attributes, {
    'messaging.system': 'handcar.jobs',
    'messaging.operation.type': 'process',
    'messaging.destination.name': 'mail',
    'messaging.message.id': '1',
    'handcar.job.name': 'outer',
    'handcar.job.attempt': 2,
  })
  const inners = spans.filter(({ name }) => name === 'perform inner')
  assert.deepEqual(
    inners.map((span) => span.parentSpanContext?.spanId),
    [failed, succeeded].map((span) => span!.spanContext().spanId),
  )
  const performed = spans.filter(({ name }) => name !== 'request').map((span) => span.spanContext().spanId)
  assert.deepEqual(new Set(seen), new Set(performed))
})

test('a job that was enqueued outside of any span begins a trace of its own, and so does one of a stranger', async () => {
  const job = defineJob({ name: 'job', perform: () => 1 })
  await using context = await jobsForTest([job], { trace: openTelemetryTrace(api), work: { begin: 'later' } })
  await context.jobs.enqueue(job)
  await context.jobs.enqueue(job)
  await context.database.run("update handcar_jobs set trace = 'nonsense' where id = 2")
  assert.equal(
    context.database.get<{ trace: unknown }>('select trace from handcar_jobs where id = 1')!.trace,
    null,
  )
  await context.jobs.work()
  const spans = await spansOf(2)
  assert.deepEqual(
    spans.map(({ name, parentSpanContext }) => [name, parentSpanContext]),
    [
      ['perform job', undefined],
      ['perform job', undefined],
    ],
  )
})
