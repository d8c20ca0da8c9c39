import type { Database } from '../../database/index.ts'
import type { RealtimeInspector, StoredMessage } from '../../realtime/index.ts'
import type { Command, Output } from '../command.ts'
import { readWholeNumber } from '../whole-number.ts'
import { openInspector } from './open.ts'

type Options = { last?: string; after?: string; end?: true; json?: true }

/** So many messages are read at once. */
const sliceSize = 1_000
/** After so long it is looked again, whoever has changed what, in milliseconds. */
const longestPause = 1_000

/** `handcar realtime tail` */
export const tail: Command<Options> = {
  name: 'tail',
  summary: 'Print messages as they are published',
  description:
    'The last ones first, then each when it is committed, until Ctrl-C. Messages that are not stored are not among them.',
  arguments: [{ name: 'channel', description: 'name of a channel (default: all)', optional: true }],
  options: [
    { flags: '--last <number>', description: 'how many of those that are there (default: 10)' },
    { flags: '--after <offset>', description: 'all that came after this offset, in their place' },
    { flags: '--end', description: 'end when all that is there is printed' },
    { flags: '--json', description: 'print each as a line of JSON' },
  ],
  examples: [
    'handcar realtime tail',
    'handcar realtime tail room/1 --last 100 --end',
    'handcar realtime tail --json | jq \'select(.type == "posted")\'',
  ],
  async run(context, { last = '10', after, end, json }, channel?: string) {
    const count = Number(readWholeNumber('--last', last, { min: 0, max: 1_000_000 }))
    const from =
      after === undefined ? undefined : Number(readWholeNumber('--after', after, { min: 0, max: 2 ** 53 }))
    await using opened = await openInspector(context)
    const { inspector, database } = opened
    const print = printer(context.output, json === true)
    let { epoch, offset } = inspector.position()
    if (from !== undefined) offset = from
    else if (count > 0) print(inspector.latest(channel, count).filter((each) => each.offset <= offset))
    const commits = new Commits(database)
    while (true) {
      const next = commits.next()
      offset = printAfter(inspector, channel, offset, print)
      if (end) break
      await next
      const now = inspector.position()
      if (now.epoch === epoch) continue
      context.output.warn('The log has begun anew: an older state of the database was restored.')
      ;({ epoch, offset } = now)
    }
    commits.end()
  },
}

/** Prints all that came after an offset; gives the offset of the last one. */
function printAfter(
  inspector: RealtimeInspector,
  channel: string | undefined,
  offset: number,
  print: (messages: readonly StoredMessage[]) => void,
): number {
  let position = offset
  while (true) {
    const messages = inspector.after(channel, position, sliceSize)
    print(messages)
    position = messages.at(-1)?.offset ?? position
    if (messages.length < sliceSize) return position
  }
}

function printer(output: Output, asJson: boolean): (messages: readonly StoredMessage[]) => void {
  const { dim, bold } = output.color
  return (messages) => {
    for (const { offset, channel, type, data, createdAt } of messages) {
      const at = new Date(createdAt)
      if (asJson)
        output.line(JSON.stringify({ offset, channel, type, data: JSON.parse(data) as unknown, createdAt }))
      else output.line(`${dim(`${at.toLocaleTimeString('sv')} ${offset}`)} ${channel} ${bold(type)} ${data}`)
    }
  }
}

/** Waits for commits of whichever process. */
class Commits {
  readonly #unsubscribe: () => void
  #wake: () => void = () => {}
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database) {
    this.#unsubscribe = database.onCommit(() => this.#wake())
  }

  /** Resolves after the next commit from now on, or after a while. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(resolve, longestPause)
      this.#wake = resolve
    })
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#unsubscribe()
  }
}
