import { OptionsError } from '../../core/index.ts'
import { ChannelDefinition, type AnyChannelDefinition } from './define-channel.ts'
import { longestName } from './pattern.ts'
import { option } from '../../core/index.ts'

/** A name with what it was found to be. */
export interface MatchedChannel {
  readonly definition: AnyChannelDefinition
  /** The parameters, as handlers get them. */
  readonly params: object
}

/** The channels that a process knows. */
export class Channels {
  /** By number of words; of those that fit a name the first is taken. */
  readonly #byLength = new Map<number, AnyChannelDefinition[]>()
  readonly #all = new Set<AnyChannelDefinition>()
  readonly #shapes = new Set<string>()

  /**
   * @param definitions What `defineChannel` returned.
   * @throws OptionsError for a second definition of the same names
   */
  constructor(definitions: readonly AnyChannelDefinition[]) {
    this.add(definitions)
  }

  /**
   * Adds definitions, in the order in which a name is compared with them.
   *
   * @param definitions What `defineChannel` returned.
   * @throws OptionsError for a second definition of the same names
   */
  add(definitions: readonly AnyChannelDefinition[]): void {
    for (const definition of definitions) {
      const { shape, length } = definition.pattern
      if (this.#shapes.has(shape))
        throw option.invalidOption('Realtime option "channels"', 'each pattern once', definition.name)
      this.#shapes.add(shape)
      this.#all.add(definition)
      this.#byLength.set(length, [...(this.#byLength.get(length) ?? []), definition])
    }
  }

  /** How many definitions there are. */
  get size(): number {
    return this.#all.size
  }

  /** Iterates over the definitions. */
  [Symbol.iterator](): Iterator<AnyChannelDefinition> {
    return this.#all.values()
  }

  /** What kind of channel a name is of, and its parameters; `undefined` when there is none. */
  match(name: string): MatchedChannel | undefined {
    if (name.length > longestName) return undefined
    const words = name.split('/')
    for (const definition of this.#byLength.get(words.length) ?? []) {
      const texts = definition.pattern.match(words)
      const params = texts && parametersOf(definition, texts)
      if (params !== undefined) return { definition, params }
    }
    return undefined
  }

  /**
   * The name of a channel of one of these definitions.
   *
   * @throws OptionsError `HANDCAR_REALTIME_CHANNEL`
   */
  nameOf(definition: AnyChannelDefinition, params: object): string {
    if (this.#all.has(definition)) return definition.nameOf(params)
    throw new OptionsError(
      'HANDCAR_REALTIME_CHANNEL',
      definition instanceof ChannelDefinition
        ? `The channel "${definition.name}" is not in the option "channels" of Realtime`
        : `Realtime: expected what defineChannel returned, got ${option.describe(definition)}`,
    )
  }
}

function parametersOf(definition: AnyChannelDefinition, texts: object): object | undefined {
  if (definition.params === undefined) return texts
  const result = definition.params['~standard'].validate(texts)
  if (result instanceof Promise)
    throw new OptionsError(
      'HANDCAR_REALTIME_CHANNEL',
      `The schema of the parameters of channel "${definition.name}" is asynchronous`,
    )
  return result.issues === undefined ? (result.value as object) : undefined
}
