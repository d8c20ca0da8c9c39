import { option, OptionsError } from '../../core/index.ts'

/** How long the name of a channel may be, in bytes. */
export const longestName = 512

const word = /^[\w.~-]+$/
const parameter = /^:[a-z_]\w*$/i

/**
 * The names of a kind of channels: words between slashes, of which those with a colon stand for a parameter: `room/:id`. A name has each
 * parameter percent-encoded, so that a value with a slash stays one word, and each channel has exactly one name.
 */
export class Pattern {
  readonly text: string
  readonly #words: readonly string[]

  /** @throws OptionsError when it is not a pattern */
  constructor(text: string, owner: string) {
    const words = text.split('/')
    const names = words.filter((each) => each.startsWith(':'))
    if (!words.every((each) => word.test(each) || parameter.test(each)) || new Set(names).size < names.length)
      throw option.invalidOption(owner, 'words between slashes, such as "room/:id", each name once', text)
    if (text.startsWith('handcar.'))
      throw option.invalidOption(owner, 'a name that does not begin with "handcar."', text)
    this.text = text
    this.#words = words
  }

  /** How many words a name has. */
  get length(): number {
    return this.#words.length
  }

  /** The pattern with its parameters unnamed: two patterns with the same shape have the same names. */
  get shape(): string {
    return this.#words.map((each) => (each.startsWith(':') ? ':' : each)).join('/')
  }

  /** The parameters of a name, of as many words; `undefined` when it is not one of this pattern's. */
  match(words: readonly string[]): Record<string, string> | undefined {
    const params: Record<string, string> = {}
    for (const [index, expected] of this.#words.entries()) {
      const given = words[index]!
      if (!expected.startsWith(':')) {
        if (given !== expected) return undefined
        continue
      }
      const value = decode(given)
      if (value === undefined) return undefined
      params[expected.slice(1)] = value
    }
    return params
  }

  /**
   * The name of the channel with these parameters.
   *
   * @throws OptionsError `HANDCAR_REALTIME_CHANNEL`
   */
  nameOf(params: Readonly<Record<string, unknown>> | null | undefined): string {
    const name = this.#words
      .map((each) => (each.startsWith(':') ? this.#encode(each.slice(1), params ?? {}) : each))
      .join('/')
    if (Buffer.byteLength(name) <= longestName) return name
    throw new OptionsError(
      'HANDCAR_REALTIME_CHANNEL',
      `The name of a channel "${this.text}" is longer than ${longestName} bytes`,
    )
  }

  #encode(name: string, params: Readonly<Record<string, unknown>>): string {
    const value = params[name]
    const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
    if (typeof text === 'string' && text !== '' && text.isWellFormed()) return encodeURIComponent(text)
    throw new OptionsError(
      'HANDCAR_REALTIME_CHANNEL',
      `The channel "${this.text}" needs the parameter "${name}": expected a text that is not empty or a number, got ${option.describe(value)}`,
    )
  }
}

/** The text of a word; `undefined` for what `encodeURIComponent` does not make, so that no channel has a second name. */
function decode(given: string): string | undefined {
  try {
    const text = decodeURIComponent(given)
    return text !== '' && encodeURIComponent(text) === given ? text : undefined
  } catch {
    return undefined
  }
}
