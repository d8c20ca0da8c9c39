/** What `handcar dev` tells the process that runs the app. `connection` comes with a socket. */
export type DevOrder =
  | { type: 'begin'; folder: string }
  | { type: 'connection'; id: number }
  | { type: 'stop' }

/** What that process tells: of a connection, that it has arrived, and that an answer begins or it was closed. */
export type DevReport =
  | { type: 'ready' }
  | { type: 'failed'; failure: DevFailure }
  | { type: 'accepted'; id: number }
  | { type: 'answering'; id: number }

/** Why the app does not run. */
export interface DevFailure {
  message: string
  /** The whole story, as Node prints it. */
  story: string
  code?: string
  fix?: string
}
