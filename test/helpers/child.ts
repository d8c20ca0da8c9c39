import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A program of this folder in a real process of its own, spoken to by messages. It ends with the block that declared it. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #exit: Promise<number | string | null>
  readonly #received: unknown[] = []
  readonly #waiting: ((message: unknown) => void)[] = []
  /** Everything that it wrote to its standard error. */
  errors = ''

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#exit = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve(signal ?? code))
    })
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
    process.on('message', (message) => {
      const waiting = this.#waiting.shift()
      if (waiting) waiting(message)
      else this.#received.push(message)
    })
  }

  /** Starts `test/helpers/<program>.ts`. The data is the first thing that it hears. */
  static start(program: string, data: object = {}): Child {
    const path = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
    const process = fork(path, [JSON.stringify(data)], {
      execArgv: ['--conditions=handcar-source'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    return new Child(process)
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** The next message of the process; fails when it ends before. */
  async next<Message>(): Promise<Message> {
    if (this.#received.length > 0) return this.#received.shift() as Message
    const message = await Promise.race([
      new Promise<unknown>((resolve) => this.#waiting.push(resolve)),
      this.ended().then((code) => Promise.reject(new Error(`The child ended (${code}): ${this.errors}`))),
    ])
    return message as Message
  }

  /** Sends a message and waits for the next one that comes back. */
  ask<Message>(message: unknown): Promise<Message> {
    const answer = this.next<Message>()
    // A process that has died meanwhile is told of by the answer; without a callback it would be an uncaught error too.
    this.#process.send(message as object, () => {})
    return answer
  }

  /** Sends a message that is not answered. */
  tell(message: unknown): Promise<void> {
    return new Promise((resolve) => this.#process.send(message as object, () => resolve()))
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Exit code or signal, once the process has ended. */
  ended(): Promise<number | string | null> {
    return this.#exit
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
