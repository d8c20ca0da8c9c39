import type { Output } from './output.ts'

export type { Output } from './output.ts'

/** What a command knows about the place where it runs. */
export interface CommandContext {
  /** The app's folder as the user reaches it: a symbolic link in the path stays one. */
  folder: string
  /** Where results and remarks go. */
  output: Output
  /** The variables of the environment. */
  environment: NodeJS.ProcessEnv
}

/**
 * One value that follows the command's name. All are required unless they say otherwise. A name that ends in `...` stands for any
 * number of them; it is the last one.
 */
export interface CommandArgument {
  name: string
  description: string
  optional?: boolean
}

/** One option, as commander writes it: `--port <number>`, `--json`, `-f, --force`. */
export interface CommandOption {
  flags: string
  description: string
  /** The only values that are allowed. */
  choices?: string[]
  /** It may be given more than once, and reaches `run` as a list. Default: false */
  repeatable?: boolean
  /** Whether the command refuses to run without it. Default: false */
  required?: boolean
}

/** Commands that stand below a word of their own: `handcar jobs list`. */
export interface CommandGroup {
  /** The word after `handcar`. */
  name: string
  /** One line for the list of commands, without a full stop. */
  summary: string
  /** More lines for `--help` of the group. Default: the summary. */
  description?: string
  /** Whole command lines, shown by `--help`; at least one. */
  examples: string[]
  commands: Command[]
}

/**
 * One command of `handcar`. A file in `commands/` exports exactly one, as `command`.
 *
 * Options reach `run` under their long name in camel case (`--read-only` is `readOnly`): `true` for a flag, a string
 * for one that takes a value, and absent when they were not given. `Options` has to be a `type`, not an interface.
 */
export interface Command<Options = Record<string, unknown>> {
  /** The word after `handcar`. */
  name: string
  /** One line for the list of commands, without a full stop. */
  summary: string
  /** More lines for `--help` of the command. Default: the summary. */
  description?: string
  arguments?: CommandArgument[]
  options?: CommandOption[]
  /** Whole command lines, shown by `--help`; at least one. */
  examples: string[]
  /**
   * Does the work. The process ends when it has resolved, with the exit code it resolves with (default 0): 0 it worked,
   * 1 it failed, 2 it was called the wrong way. A `HandcarError` is printed as message and fix, without a stack.
   */
  run(context: CommandContext, options: Options, ...args: string[]): Promise<number | void>
}
