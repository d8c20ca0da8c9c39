/** What a process of a benchmark can be asked for, by name. Every handler takes one argument. */
export type Handlers = Record<string, (argument: never) => unknown>

/** A question of the parent. */
export interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

/** The answer to it. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

/**
 * Makes this process answer its parent, which started it with `startProcess`: one handler per name. The process
 * ends when its parent does.
 */
export function answer(handlers: Handlers): void {
  process.on('message', (question: Question) => void reply(handlers, question))
  process.on('disconnect', () => process.exit())
}

async function reply(handlers: Handlers, { id, name, argument }: Question): Promise<void> {
  const response = await attempt(handlers, name, argument)
  process.send?.({ id, ...response } satisfies Answer)
}

async function attempt(handlers: Handlers, name: string, argument: unknown): Promise<Omit<Answer, 'id'>> {
  try {
    const handler = handlers[name]
    if (!handler) throw new Error(`This process has no handler "${name}"`)
    return { value: await handler(argument as never) }
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
