import { option, OptionsError } from '../../core/index.ts'
import { JobDefinition, type AnyJobDefinition } from './define-job.ts'

/** The jobs that a process knows, by their names. */
export class Definitions extends Map<string, AnyJobDefinition> {
  /**
   * Adds definitions, all or none; one that is there already is left alone.
   *
   * @param owner What they were given to, for the message.
   * @throws OptionsError `HANDCAR_OPTION_INVALID` for anything else, and for a second definition of a name
   */
  add(definitions: readonly unknown[], owner: string): void {
    const added = new Map<string, AnyJobDefinition>()
    for (const definition of definitions) {
      if (!(definition instanceof JobDefinition))
        throw option.invalidOption(owner, 'what defineJob returns', definition)
      const { name } = definition
      const known = added.get(name) ?? this.get(name)
      if (known !== undefined && known !== definition)
        throw new OptionsError(
          'HANDCAR_OPTION_INVALID',
          `${owner}: expected definitions with different names, got two jobs "${name}"`,
          {
            fix: 'Give each job a name of its own; where it is the same one, see that its module is loaded only once.',
          },
        )
      added.set(name, definition as AnyJobDefinition)
    }
    for (const [name, definition] of added) this.set(name, definition)
  }
}
