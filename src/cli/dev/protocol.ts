/** What `handcar dev` tells the process that runs the app. `connection` comes with a socket. */
export type DevOrder = { type: 'begin'; folder: string } | { type: 'connection' } | { type: 'stop' }

/** What that process tells. */
export type DevReport = { type: 'ready' } | { type: 'failed'; failure: DevFailure }

/** Why the app does not run. */
export interface DevFailure {
  message: string
  /** The whole story, as Node prints it. */
  story: string
  code?: string
  fix?: string
}
