import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchGraph, GraphJob, JobDetails } from '../../jobs/index.ts'
import type { Output } from '../command.ts'
import { describeJob } from './job-story.ts'
import { describeWorkflow } from './job-tree.ts'

const same = (text: string): string => text
const output: Output = {
  line() {},
  json() {},
  warn() {},
  isTerminal: true,
  color: { bold: same, red: same, green: same, yellow: same, dim: same },
}
const now = Date.UTC(2026, 10, 20, 9)
const ago = (milliseconds: number): Date => new Date(now - milliseconds)

const job: JobDetails = {
  id: 4711,
  name: 'import',
  queue: 'slow',
  priority: 5,
  state: 'retryable',
  hold: undefined,
  attempt: 2,
  maxAttempts: 25,
  createdAt: ago(3_600_000),
  scheduledAt: new Date(now + 90_000),
  attemptedAt: ago(30_000),
  finishedAt: undefined,
  batch: 7,
  parent: 4000,
  tags: ['monthly', 'big'],
  reason: 'Error: no answer',
  payload: { file: 'a.csv' },
  version: 1,
  result: undefined,
  progress: { rows: 100 },
  claims: 3,
  crashes: 1,
  worker: 'machine:17',
  cancelReason: undefined,
  uniqueKey: 'import:a.csv',
  limitKey: 'import',
  rateKey: undefined,
  fairKey: 'customer-1',
  trace: undefined,
  errors: [
    {
      attempt: 1,
      startedAt: ago(60_000),
      duration: 1_234,
      worker: 'machine:16',
      error: `Error: ${'long '.repeat(30)}\nand more`,
      stack: 'Error: long\n    at work (file:///app/src/jobs.ts:7:1)\n    at node:internal/x:1:1',
    },
  ],
  logs: [{ at: ago(1_000), text: 'half of it' }],
  steps: [
    {
      name: 'download',
      kind: 'step',
      state: 'done',
      tries: 1,
      startedAt: ago(60_000),
      finishedAt: ago(58_000),
      wakeAt: undefined,
      event: undefined,
      error: undefined,
      result: 'a.csv',
    },
    {
      name: 'approval',
      kind: 'wait',
      state: 'waiting',
      tries: 1,
      startedAt: ago(58_000),
      finishedAt: undefined,
      wakeAt: undefined,
      event: 'approved',
      error: undefined,
      result: undefined,
    },
    {
      name: 'rows',
      kind: 'cursor',
      state: 'done',
      tries: 1,
      startedAt: ago(50_000),
      finishedAt: undefined,
      wakeAt: undefined,
      event: undefined,
      error: undefined,
      result: { row: 100 },
    },
  ],
  needs: [
    { kind: 'job', id: 4709, name: 'upload', state: 'completed', need: 'met' },
    { kind: 'batch', id: 6, name: 'parts', state: 'open', need: 'waiting' },
    { kind: 'job', id: 4710, name: undefined, state: undefined, need: 'deleted' },
  ],
  neededBy: [],
  membership: {
    id: 7,
    name: 'nightly',
    state: 'open',
    total: 9,
    pending: 4,
    completed: 3,
    discarded: 1,
    cancelled: 1,
    cancelReason: undefined,
  },
}

test('the story of a job has everything that is known, and nothing that is not', () => {
  assert.equal(
    describeJob(job, undefined, output, now).join('\n'),
    `job 4711  import  retryable

reason       Error: no answer
queue        slow
priority     5
attempts     2 of 25, begun 3 times in all
crashes      1
tags         monthly, big
created      2026-11-20T08:00:00.000Z  1 h ago
begun        2026-11-20T08:59:30.000Z  30 s ago
tried again  2026-11-20T09:01:30.000Z  in 1 m 30 s
worker       machine:17
enqueued by  job 4000
batch        7  nightly  open, 3 of 9 completed, 2 not
unique key   import:a.csv
limit key    import
fair key     customer-1

payload
  { file: 'a.csv' }

progress
  { rows: 100 }

failed attempts
  #  begun     took  worker      error
  1  1 m ago  1.2 s  machine:16  Error: long long long long long long long long long long long long lo…
    at work (file:///app/src/jobs.ts:7:1)

steps
  step      kind    state    begun     took
  download  step    done     1 m ago    2 s
  approval  wait    waiting  58 s ago        event approved  when it is woken
  rows      cursor  done     50 s ago        { row: 100 }

log
  2026-11-20T08:59:59.000Z  half of it

needs
  ├─ 4709  upload  completed
  ├─ batch 6  parts  open
  └─ 4710  deleted`,
  )
})

const graphJob = (id: number, name: string, needs: number[] = []): GraphJob => ({
  id,
  name,
  job: `${name}-job`,
  state: 'completed',
  needs: needs.map((id) => ({ kind: 'job', id, state: 'met' })),
})

test('a workflow is drawn as a tree', () => {
  const jobs = [
    graphJob(1, 'users'),
    graphJob(2, 'posts'),
    graphJob(3, 'a', [2]),
    graphJob(4, 'b', [1, 2]),
    graphJob(5, 'sum', [3, 4]),
  ]
  assert.equal(
    describeWorkflow({ jobs, batches: [] }, 4, output).join('\n'),
    `1  users  completed
2  posts  completed
├─ 3  a  completed
└─ 4  b  completed  needs users, posts  ◂ this job
   └─ 5  sum  completed  needs a, b`,
  )
})

test('a batch in which nobody needs anybody is not drawn, nor one that is too large to be read', () => {
  const flat: BatchGraph = { jobs: [graphJob(1, 'a'), graphJob(2, 'b')], batches: [] }
  assert.deepEqual(describeWorkflow(flat, 1, output), [])
  const chain = Array.from({ length: 60 }, (_, index) => graphJob(index + 1, 'x', index === 0 ? [] : [index]))
  assert.deepEqual(describeWorkflow({ jobs: chain, batches: [] }, 1, output), [])
})
