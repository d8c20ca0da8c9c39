import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** How a program ended. */
export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
  /** Whether it was asked to; Litestream then may exit with 1, which is no failure. */
  wasAsked: boolean
}

/** How to run Litestream. */
export interface ChildOptions {
  path: string
  args: readonly string[]
  cwd: string
  environment: Record<string, string>
  /** Told each line of its output. */
  onLine: (line: string) => void
}

/** How long Litestream may take to end when it is asked to, in milliseconds: a target that does not answer holds it for minutes. */
export const stopGrace = 10_000

/**
 * One Litestream, from its start to its end: the program itself, never a shell, a wrapper, or its `-exec`. Its output is a pipe to us,
 * so that it also ends when we are killed: at its next line nobody reads any more (SIGPIPE).
 */
export class LitestreamChild {
  readonly ended: Promise<ChildEnd>
  readonly #child: ChildProcess
  #wasAsked = false

  constructor({ path, args, cwd, environment, onLine }: ChildOptions) {
    // Of a group of its own: a Ctrl-C in the terminal would end it before the app has written its last.
    this.#child = spawn(path, args, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('error', () => {})
      createInterface({ input: stream }).on('line', onLine)
    }
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void =>
        resolve({ code, signal, wasAsked: this.#wasAsked })
      this.#child.once('exit', end)
      this.#child.once('error', () => this.pid === undefined && end(127, null))
    })
  }

  /** `undefined` when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Asks it to send what is left and to end; kills it after `grace` milliseconds. Resolves when it is gone.
   *
   * @returns whether it had to be killed
   */
  async stop(grace: number): Promise<boolean> {
    this.#wasAsked = true
    let wasKilled = false
    const impatience = setTimeout(() => {
      wasKilled = true
      this.kill()
    }, grace)
    this.#child.kill('SIGTERM')
    await this.ended
    clearTimeout(impatience)
    return wasKilled
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
