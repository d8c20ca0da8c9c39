import { nameOf } from './requests.ts'

/** How many answers are remembered. */
const most = 1_000

/** Answers to requests that may be repeated: each is handled once, and its answer given again. */
export class Once {
  readonly #answers = new Map<string, { answer: unknown } | undefined>()

  /**
   * Handles a request, unless it was handled before.
   *
   * @param handle Gets what is to be called with the answer.
   * @param reply Sends the answer.
   */
  handle(
    request: string,
    handle: (answer: (value: unknown) => void) => void,
    reply: (answer: unknown) => void,
  ): void {
    const name = nameOf(request)
    const known = this.#answers.get(name)
    if (known !== undefined) return reply(known.answer)
    if (this.#answers.has(name)) return
    this.#answers.set(name, undefined)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > most) this.#answers.delete(oldest!)
    handle((answer) => {
      if (this.#answers.get(name) !== undefined) return
      this.#answers.set(name, { answer })
      reply(answer)
    })
  }
}
