import type { RunningJob } from '../perform/running-job.ts'

/** How long a suspect waits for the others to end, in milliseconds. */
const longestWait = 10_000
/** For how long it keeps others from being begun, in milliseconds. */
const longestAlone = 60_000

/** Whether a job will be quarantined when its process dies under it once more. */
export function isSuspect({ row, definition }: RunningJob): boolean {
  return row.crashes > 0 && row.crashes + 1 >= definition.maxCrashes && definition.runsIn !== 'process'
}

/**
 * Jobs that are on their last try before quarantine. Each runs alone in its process, so that none is quarantined for the
 * crashes of another that ran beside it: nothing is begun while one waits for those that run, or runs itself. Not at any price: when
 * the others take long it is begun beside them after all, and when it takes long others are begun beside it.
 */
export class Suspects {
  readonly #start: (job: RunningJob) => void
  readonly #onFree: () => void
  #waiting: RunningJob[] = []
  #running: RunningJob | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param onFree Called when others may begin beside one that runs. */
  constructor(start: (job: RunningJob) => void, onFree: () => void) {
    this.#start = start
    this.#onFree = onFree
  }

  /** Whether nothing else may be begun. */
  get wantAll(): boolean {
    return this.#running !== undefined || this.#waiting.length > 0
  }

  add(job: RunningJob): void {
    this.#waiting.push(job)
  }

  /** Takes one out that waits. */
  remove(isIt: (job: RunningJob) => boolean): RunningJob | undefined {
    const job = this.#waiting.find(isIt)
    this.#waiting = this.#waiting.filter((each) => each !== job)
    return job
  }

  /** Starts the next one if nothing else runs. */
  next(running: number): void {
    if (this.#waiting.length === 0 || this.#running !== undefined) return
    if (running === 0) return this.#begin()
    this.#timer ??= setTimeout(() => this.#begin(), longestWait)
  }

  /** To be told of each job that has ended. */
  ended(job: RunningJob): void {
    if (this.#running === job) this.#clear()
  }

  /** Those that have not begun are not to begin any more. */
  giveUp(): RunningJob[] {
    this.#clear()
    return this.#waiting.splice(0)
  }

  #begin(): void {
    this.#clear()
    const job = this.#waiting.shift()
    if (job === undefined) return
    this.#running = job
    this.#timer = setTimeout(() => {
      this.#clear()
      this.next(1)
      this.#onFree()
    }, longestAlone)
    this.#start(job)
  }

  #clear(): void {
    this.#running = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
