import { write, writeSync } from 'node:fs'

/** Lines are written together: after so many characters, or so many milliseconds. */
const batchSize = 64 * 1_024
const batchDelay = 100
/** When a full pipe takes nothing, it is tried again after so many milliseconds. */
const retryDelay = 10
/** Characters that wait for a reader who does not read; what is more is left out, and said to be. */
const mostWaiting = 16 * 1_024 ** 2
/** pino's number of the level `warn`. */
const warn = 40

const metadata: unique symbol = Symbol.for('pino.metadata')

/**
 * Where pino writes to: standard output, in the background, many lines at once, so that a line for each request costs little and a
 * slow reader of the log holds up nobody. Warnings and errors are not kept waiting. What is left is written when the process
 * exits; SIGKILL loses the last tenth of a second. `serve` in the benchmarks shows what it saves.
 */
export class LogOutput {
  /** Makes pino set {@link lastLevel}. */
  readonly [metadata] = true
  /** Level of the line that is being written. */
  lastLevel = 0
  readonly #descriptor: number
  #waiting = ''
  #leftOut = 0
  #underway: Buffer | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(descriptor: number) {
    this.#descriptor = descriptor
    process.once('exit', () => this.#finish())
  }

  /** Takes a line with its end. */
  write(line: string): void {
    if (this.#waiting.length > mostWaiting) {
      this.#leftOut++
      return
    }
    this.#waiting += line
    if (this.#waiting.length > batchSize || this.lastLevel >= warn) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), batchDelay).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#underway !== undefined || this.#waiting === '') return
    this.#underway = Buffer.from(this.#waiting + this.#describeLeftOut())
    this.#waiting = ''
    this.#send()
  }

  #send(): void {
    write(this.#descriptor, this.#underway!, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#send(), retryDelay)
      // Who reads the log may end before us; that is no reason to end too.
      this.#underway = error ? undefined : this.#underway!.subarray(written)
      if (this.#underway !== undefined && this.#underway.length > 0) return this.#send()
      this.#underway = undefined
      if (this.#waiting.length > batchSize) this.#flush()
      else if (this.#waiting !== '') this.#timer ??= setTimeout(() => this.#flush(), batchDelay).unref()
    })
  }

  #describeLeftOut(): string {
    if (this.#leftOut === 0) return ''
    const message = `${this.#leftOut} lines were left out because nobody read the log`
    this.#leftOut = 0
    return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg: message })}\n`
  }

  #finish(): void {
    // A write that is underway on the thread pool gets a moment, so that the last lines do not overtake it.
    if (this.#underway !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    let rest = Buffer.from(this.#waiting)
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#descriptor, rest))
    } catch {
      // Nobody reads any more, or not fast enough.
    }
  }
}
