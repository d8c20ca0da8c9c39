import type { ResolvedConfig } from '../../app/index.ts'
import type { CommandContext } from '../command.ts'

/** Options of `handcar migrate`. */
export type MigrateOptions = { json?: true; stdout?: true; snapshot?: boolean }

/**
 * One of the things that `handcar migrate` does.
 *
 * @param name The second argument.
 * @returns the exit code. Default: 0
 */
export type MigrateAction = (
  context: CommandContext,
  config: ResolvedConfig,
  options: MigrateOptions,
  name: string | undefined,
) => Promise<number | void>
