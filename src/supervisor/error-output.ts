import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** Characters of the end that are kept, to tell why a process ended. */
const longestTail = 4_000

/** What Node's inspector says when it is asked for a stack; not for the eyes of the operator. */
const inspectorTalk =
  /^(Debugger listening on |For help, see: |Debugger attached|Debugger ending on |Waiting for the debugger )/

/** A terminal that was closed, or a log that nobody reads any more, is no reason to end. */
process.stderr.on('error', () => {})

/** The standard error of a process: passed on line by line, its end kept, the inspector's address found in it. */
export class ErrorOutput {
  /** Resolves when nothing more comes. */
  readonly finished: Promise<void>
  /** Told the address of the inspector, once it listens. */
  onInspector: (address: string) => void = () => {}
  #tail = ''
  #rest = ''

  constructor(stream: Readable) {
    stream.setEncoding('utf8').on('data', (text: string) => this.#receive(text))
    this.finished = finished(stream).then(
      () => this.#pass(this.#rest),
      () => {},
    )
  }

  /** The last lines. */
  get tail(): string {
    return (this.#tail + this.#rest).trim()
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    this.#pass(
      lines
        .filter((line) => !this.#isInspector(line))
        .map((line) => `${line}\n`)
        .join(''),
    )
  }

  #pass(text: string): void {
    if (text === '') return
    process.stderr.write(text)
    this.#tail = (this.#tail + text).slice(-longestTail)
  }

  #isInspector(line: string): boolean {
    if (!inspectorTalk.test(line)) return false
    const address = /^Debugger listening on (ws:\S+)/.exec(line)?.[1]
    if (address !== undefined) this.onInspector(address)
    return true
  }
}
