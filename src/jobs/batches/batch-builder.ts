import { option, OptionsError, readOptions, StateError } from '../../core/index.ts'
import type { AnyJobDefinition, JobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from '../enqueue/enqueue-options.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import { readBatchOptions, type BatchOptions, type CallbackKind } from './batch-options.ts'
import { BatchMember, JobMember, Member, type IfNeedsFail, type Need, type Waiting } from './member.ts'

/** What a job of a batch waits for. */
export interface WaitOptions {
  /** Runs only when these have completed: members of the batch, their names, or jobs that are enqueued already. Default: none. */
  dependsOn?: Need | readonly Need[]
  /** What becomes of it when one of those is discarded, cancelled or deleted. Default: `'cancel'`. */
  ifNeedsFail?: IfNeedsFail
}

/** When and how a job of a batch runs. With `dependsOn`, `in` counts from when nothing is waited for any more. */
export type MemberOptions = Omit<EnqueueOptions, 'batch'> & WaitOptions

/** Payload and options, where the payload may be left out when the job takes none. */
export type PayloadAndOptions<Payload, Options> = undefined extends Payload
  ? [payload?: Payload, options?: Options]
  : [payload: Payload, options?: Options]

/** What a builder and those of the batches nested in it share. */
export interface Planning {
  readonly engine: Engine
  /** Schemas and bodies that have to be waited for. */
  readonly pending: Promise<unknown>[]
  /** The plan is complete: what is added now would be lost. */
  isDone: boolean
}

/** Collects the jobs of a batch; they are inserted together when the body has ended. */
export class BatchBuilder {
  readonly #planning: Planning
  readonly #batch: BatchMember

  /** @internal */
  constructor(planning: Planning, batch: BatchMember) {
    this.#planning = planning
    this.#batch = batch
  }

  /**
   * Adds a job.
   *
   * @throws OptionsError as `jobs.enqueue` does
   */
  enqueue<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    ...[payload, options]: PayloadAndOptions<Payload, MemberOptions>
  ): Member {
    return this.#add(undefined, definition, payload, options)
  }

  /** Adds any number of jobs. Options are for all of them; a function gives each its own. */
  enqueueAll<Payload, Result>(
    definition: JobDefinition<Payload, Result>,
    payloads: readonly Payload[],
    options?: MemberOptions | ((payload: Payload, index: number) => MemberOptions),
  ): Member[] {
    if (!Array.isArray(payloads)) throw option.invalidOption('enqueueAll payloads', 'an array', payloads)
    if (typeof options !== 'function') {
      const members = this.#addUniform(definition, payloads, options)
      if (members !== undefined) return members
    }
    return payloads.map((payload: Payload, index) =>
      this.#add(
        undefined,
        definition,
        payload,
        typeof options === 'function' ? options(payload, index) : options,
      ),
    )
  }

  /**
   * Adds a job with a name, by which others can wait for it and find its result.
   *
   * @throws OptionsError `HANDCAR_OPTION_INVALID` when the name is taken
   */
  add<Payload, Result>(
    name: string,
    definition: JobDefinition<Payload, Result>,
    ...[payload, options]: PayloadAndOptions<Payload, MemberOptions>
  ): Member {
    return this.#add(option.text()(name, 'add() name'), definition, payload, options)
  }

  /**
   * Adds a batch, which counts as one member: this one ends after it and after its callbacks. With `dependsOn` all of its jobs wait.
   */
  batch<Success, Failure, Finish>(
    options: BatchOptions<Success, Failure, Finish> & WaitOptions,
    body: (batch: BatchBuilder) => void | Promise<void>,
  ): Member {
    this.#assertOpen()
    const { dependsOn, ifNeedsFail, ...rest } = options
    const planned = readBatchOptions(this.#planning.engine, rest)
    const nested = new BatchMember(planned, readWaiting({ dependsOn, ifNeedsFail }), this.#batch)
    this.#name(nested)
    this.#batch.batches.push(nested)
    runBody(this.#planning, nested, body)
    return nested
  }

  #add(
    name: string | undefined,
    definition: unknown,
    payload: unknown,
    options: MemberOptions | undefined,
  ): Member {
    this.#assertOpen()
    const { engine } = this.#planning
    const { dependsOn, ifNeedsFail, ...rest } = options ?? {}
    const waiting = readWaiting({ dependsOn, ifNeedsFail })
    const known: AnyJobDefinition = engine.enqueuer.known(definition)
    const row = engine.enqueuer.prepare(known, payload, options === undefined ? undefined : rest)
    const member = new JobMember(name, waiting, this.#batch, row as JobRow, rest.in !== undefined)
    if (row instanceof Promise) waitFor(this.#planning, row, (row) => (member.row = row))
    this.#name(member)
    this.#batch.jobs.push(member)
    return member
  }

  #addUniform(
    definition: unknown,
    payloads: readonly unknown[],
    options: MemberOptions | undefined,
  ): Member[] | undefined {
    this.#assertOpen()
    const { dependsOn, ifNeedsFail, ...rest } = options ?? {}
    const { enqueuer } = this.#planning.engine
    const uniform = enqueuer.prepareUniform(enqueuer.known(definition), payloads, rest)
    if (uniform === undefined) return undefined
    const waiting = readWaiting({ dependsOn, ifNeedsFail })
    const jobs = uniform.payloads.map((payload) => {
      const job = new JobMember(undefined, waiting, this.#batch, uniform.row, rest.in !== undefined)
      job.payload = payload
      return job
    })
    for (const job of jobs) this.#batch.jobs.push(job)
    return jobs
  }

  #name(member: JobMember | BatchMember): void {
    if (member.name === undefined) return
    const { byName } = this.#batch
    if (byName.has(member.name)) {
      throw new OptionsError('HANDCAR_OPTION_INVALID', `There is a member "${member.name}" already`, {
        fix: 'Give each member of a batch a name of its own.',
      })
    }
    byName.set(member.name, member)
  }

  #assertOpen(): void {
    if (!this.#planning.isDone) return
    throw new StateError(
      'HANDCAR_BATCH_CLOSED',
      'The body of the batch has ended; its builder takes nothing more',
      { fix: 'Await everything in the body, or use add() of the batch.' },
    )
  }
}

/** Has a body fill a batch. */
export function runBody(
  planning: Planning,
  batch: BatchMember,
  body: (builder: BatchBuilder) => void | Promise<void>,
): void {
  if (typeof body !== 'function') throw option.invalidOption('batch body', 'a function', body)
  const { callbacks } = batch.options
  for (const [kind, row] of Object.entries(callbacks) as [CallbackKind, JobRow | Promise<JobRow>][]) {
    if (row instanceof Promise) waitFor(planning, row, (row) => (callbacks[kind] = row))
  }
  const returned = body(new BatchBuilder(planning, batch))
  if (returned instanceof Promise) waitFor(planning, returned, () => {})
}

/** Several may fail; the first is told. */
function waitFor<Value>(
  { pending }: Planning,
  promise: Promise<Value>,
  onValue: (value: Value) => unknown,
): void {
  const done = promise.then(onValue)
  done.catch(() => {})
  pending.push(done)
}

const none: Waiting = { needs: [], ifNeedsFail: 'cancel' }

function readWaiting(options: { dependsOn: unknown; ifNeedsFail: unknown }): Waiting {
  if (options.dependsOn === undefined && options.ifNeedsFail === undefined) return none
  const { dependsOn, ifNeedsFail } = readOptions('member of a batch', options, {
    dependsOn: readNeeds,
    ifNeedsFail: option.oneOf<IfNeedsFail>(['cancel', 'run'], 'cancel'),
  })
  return { needs: dependsOn, ifNeedsFail }
}

function readNeeds(value: unknown, name: string): Need[] {
  const needs: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return needs.map((need) => {
    if (isNeed(need)) return need
    throw option.invalidOption(name, 'members of the batch, their names, or handles of jobs', need)
  })
}

function isNeed(value: unknown): value is Need {
  if (typeof value === 'string' || value instanceof Member) return true
  return typeof value === 'object' && value !== null && 'id' in value && Number.isInteger(value.id)
}
