import { join } from 'node:path'

/** The folder of the backup in the data folder of an app, which nobody but the owner reads. */
export class BackupFolder {
  readonly path: string

  /** @param data The data folder of the app. */
  constructor(data: string) {
    this.path = join(data, '.backup')
  }

  /** The configuration of Litestream, written anew at each start. */
  get config(): string {
    return join(this.path, 'litestream.yml')
  }

  /** Held by the process that runs Litestream. */
  get lock(): string {
    return join(this.path, 'litestream.lock')
  }

  /** Which process Litestream is. */
  get record(): string {
    return join(this.path, 'litestream.json')
  }

  /** On which Litestream 0.5 tells how it is. */
  get socket(): string {
    return join(this.path, 'litestream.sock')
  }

  /** What `handcar backup install` has installed. */
  get binary(): string {
    return join(this.binaries, 'litestream')
  }

  get binaries(): string {
    return join(this.path, 'bin')
  }

  /** Where Litestream may lay down a whole copy of the database: on the disk of the data, not in memory. */
  get temporary(): string {
    return join(this.path, 'tmp')
  }
}
