import type { Failure } from '../core/index.ts'
import type { Manifest } from './manifest.ts'
import type { EnvironmentName } from './config.ts'

/** What a process that prepares a release is told, as JSON in its first argument. */
export interface PrepareOrder {
  /** Real path of the app's folder. */
  folder: string
  /** Real path of the data folder of the release that runs. */
  data: string
  defaultEnvironment: EnvironmentName
}

/** What a process that prepares a release tells. */
export type PrepareReport =
  | { type: 'progress'; message: string }
  | { type: 'prepared'; manifest: Manifest }
  | { type: 'failed'; failure: Failure }
