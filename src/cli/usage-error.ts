import { OptionsError } from '../core/index.ts'

/** The command line itself is wrong; the exit code is 2. */
export class UsageError extends OptionsError {
  /** @param fix What to type instead. */
  constructor(message: string, fix: string) {
    super('HANDCAR_USAGE', message, { fix })
  }
}
