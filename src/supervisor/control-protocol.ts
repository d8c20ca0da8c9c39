import { join } from 'node:path'
import { socketPath, type Failure } from '../core/index.ts'

/** What a supervisor can be asked from outside. */
export type ControlCommand = 'status' | 'reload' | 'upgrade' | 'stop'

/** One line of the answer: some of the first kind, then one of the others. */
export type ControlAnswer = { progress: string } | { result: unknown } | { failure: Failure }

/** The unix socket of the supervisor that runs in a folder. */
export function controlSocketPath(runFolder: string): string {
  return socketPath(join(runFolder, 'handcar.socket'))
}
