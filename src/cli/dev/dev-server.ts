import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { DevChild, type DevEnd } from './dev-child.ts'
import { ErrorPage } from './error-page.ts'
import type { DevFailure } from './protocol.ts'

/** Editors write a file in several steps, and tools write many files: so long nothing may have changed, in milliseconds. */
const settling = 15

/** What a {@link DevServer} works with. */
export interface DevServerOptions {
  folder: string
  environment: NodeJS.ProcessEnv
  /** Called when the app serves; with the milliseconds since the change, and the file that changed. */
  onReady: (duration: number, changed: string | undefined) => void
  onFailure: (failure: DevFailure) => void
}

/**
 * Runs the app in a process that is replaced whenever the code has changed. From the first sign of a change, connections wait
 * for the new code; so whoever reloads a page after saving a file sees what was saved. When the new code fails, every request
 * is answered with the error.
 *
 * A spare process waits with handcar loaded, since starting Node is most of the work.
 */
export class DevServer {
  readonly #options: DevServerOptions
  readonly #errorPage = new ErrorPage()
  /** Connections that wait for the app. */
  #waiting: Socket[] = []
  #spare: DevChild
  #booting: DevChild | undefined
  #current: DevChild | undefined
  #failure: DevFailure | undefined
  /** Goes up with each change. */
  #version = 0
  #changedAt = performance.now()
  #changed: string | undefined
  #replacing: Promise<void> | undefined

  constructor(options: DevServerOptions) {
    this.#options = options
    this.#spare = this.#newChild()
  }

  /** Takes over a connection, which must be paused. */
  hand(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#failure) this.#errorPage.serve(socket, this.#failure)
    else if (this.#current) this.#current.hand(socket)
    else this.#waiting.push(socket)
  }

  /** Starts the app, or starts it again because a file has changed. Resolves when it serves or has failed. */
  restart(changed?: string): Promise<void> {
    this.#version += 1
    if (this.#replacing === undefined) {
      this.#changedAt = performance.now()
      this.#changed = changed
      this.#replacing = this.#replace().finally(() => (this.#replacing = undefined))
    }
    // What boots now is out of date already.
    this.#booting?.kill()
    return this.#replacing
  }

  async #replace(): Promise<void> {
    const old = this.#current
    this.#current = undefined
    this.#failure = undefined
    await old?.stop()
    while (true) {
      await this.#settled()
      const version = this.#version
      this.#booting = this.#spare
      const child = this.#booting
      const failure = await child.begin()
      this.#booting = undefined
      this.#spare = this.#newChild()
      if (failure === undefined && version === this.#version) return this.#serve(child)
      await child.stop()
      if (version === this.#version) return this.#fail(failure!)
    }
  }

  /** Waits until the last change is a moment ago. The first start waits for nothing. */
  async #settled(): Promise<void> {
    for (let version = this.#version === 1 ? 1 : 0; version !== this.#version;) {
      version = this.#version
      await sleep(settling)
    }
  }

  #serve(child: DevChild): void {
    this.#current = child
    this.#options.onReady(performance.now() - this.#changedAt, this.#changed)
    this.#release()
  }

  #fail(failure: DevFailure): void {
    this.#failure = failure
    this.#options.onFailure(failure)
    this.#release()
  }

  #release(): void {
    for (const socket of this.#waiting.splice(0)) this.hand(socket)
  }

  #newChild(): DevChild {
    const { folder, environment } = this.#options
    const child: DevChild = new DevChild(folder, environment, (end) => this.#ended(child, end))
    return child
  }

  /** What has not arrived in time waits for the next code; what the app was busy with is cut, or told why it has died. */
  #ended(child: DevChild, { failure, wasStopped, left }: DevEnd): void {
    if (child === this.#current) {
      this.#current = undefined
      if (!wasStopped) this.#fail(failure)
    }
    for (const { socket, wasAccepted } of left) {
      if (!wasAccepted) this.hand(socket)
      else if (wasStopped) socket.destroy()
      else this.#errorPage.conclude(socket, failure)
    }
  }
}
