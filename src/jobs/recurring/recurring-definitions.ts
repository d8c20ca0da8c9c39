import { OptionsError } from '../../core/index.ts'
import type { Definitions } from '../definition/definitions.ts'
import { RecurringDefinition } from './define-recurring.ts'

/** The recurring jobs that the code of a process defines, by their names. */
export class RecurringDefinitions extends Map<string, RecurringDefinition> {
  /**
   * Adds definitions of jobs and of recurring jobs, all or none; the job of a recurring one is defined with it.
   *
   * @param jobs Where the jobs go.
   * @param owner What they were given to, for the message.
   * @throws OptionsError `HANDCAR_OPTION_INVALID` for anything else, and for a second definition of a name
   */
  add(definitions: readonly unknown[], jobs: Definitions, owner: string): void {
    const added = new Map<string, RecurringDefinition>()
    const theirJobs: unknown[] = []
    for (const definition of definitions) {
      if (!(definition instanceof RecurringDefinition)) {
        theirJobs.push(definition)
        continue
      }
      const { name, job } = definition
      const known = added.get(name) ?? this.get(name)
      if (known !== undefined && known !== definition)
        throw new OptionsError(
          'HANDCAR_OPTION_INVALID',
          `${owner}: expected recurring jobs with different names, got two of "${name}"`,
          { fix: 'Give each recurring job a name of its own.' },
        )
      added.set(name, definition)
      theirJobs.push(job)
    }
    jobs.add(theirJobs, owner)
    for (const [name, definition] of added) this.set(name, definition)
  }
}
