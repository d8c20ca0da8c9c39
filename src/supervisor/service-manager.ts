import { execFile } from 'node:child_process'
import type { Logger } from '../core/index.ts'

/**
 * Tells systemd how the service is (https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html), through its own
 * program `systemd-notify`: Node has no datagram sockets of the unix family.
 */
export class ServiceManager {
  readonly #socket: string | undefined
  readonly #logger: Logger
  #last: Promise<void> = Promise.resolve()

  /** @param socket The value of `NOTIFY_SOCKET`; without one nothing is told. */
  constructor(socket: string | undefined, logger: Logger) {
    this.#socket = socket
    this.#logger = logger
  }

  /** The service is up; its main process is this one. */
  ready(status: string): Promise<void> {
    return this.#tell('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`)
  }

  /** A new release is being started. */
  reloading(): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1_000n
    return this.#tell('RELOADING=1', `MONOTONIC_USEC=${microseconds}`, 'STATUS=reloading')
  }

  /** The service stops. */
  stopping(): Promise<void> {
    return this.#tell('STOPPING=1', 'STATUS=stopping')
  }

  #tell(...words: string[]): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return this.#last
    this.#last = this.#last.then(
      () =>
        new Promise((resolve) => {
          execFile(
            'systemd-notify',
            words,
            { env: { NOTIFY_SOCKET: socket, PATH: '/usr/bin:/bin' } },
            (error) => {
              if (error)
                this.#logger.warn({ error: error.message }, 'systemd could not be told how the service is')
              resolve()
            },
          )
        }),
    )
    return this.#last
  }
}
