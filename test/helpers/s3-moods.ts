import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Replica } from '../../src/backup/index.ts'
import { backupTargets, type BackupTarget } from './backup-targets.ts'

/** What a bucket may do to those who write: take it; be full; forbid it; find their clock wrong; break off; answer nothing. */
export const s3Moods = ['well', 'full', 'denied', 'skewed', 'gone', 'silent'] as const
export type S3Mood = (typeof s3Moods)[number]

/** What it answers then. */
const refusals: Partial<Record<S3Mood, { status: number; code: string }>> = {
  full: { status: 507, code: 'InsufficientStorage' },
  denied: { status: 403, code: 'AccessDenied' },
  skewed: { status: 403, code: 'RequestTimeTooSkewed' },
}

/** A bucket of an S3 server behind a server with moods. */
export class MoodyS3 implements AsyncDisposable {
  mood: S3Mood = 'well'
  /** Requests that removed something, and requests that came in a bad mood. */
  removals = 0
  refused = 0
  readonly #target: BackupTarget
  readonly #server = createServer((incoming, answer) => this.#answer(incoming, answer))

  private constructor(target: BackupTarget) {
    this.#target = target
  }

  static async start(): Promise<MoodyS3> {
    const moody = new MoodyS3(await backupTargets.s3.start())
    moody.#server.listen(0, '127.0.0.1')
    await once(moody.#server, 'listening')
    return moody
  }

  /** What an app is to be configured with. */
  get target(): BackupTarget {
    const { port } = this.#server.address() as AddressInfo
    const replica = { ...this.#target.replica, endpoint: `http://127.0.0.1:${port}` } as Replica
    return { ...this.#target, replica, environment: this.#target.environment }
  }

  #answer(incoming: IncomingMessage, answer: ServerResponse): void {
    if (this.mood !== 'well') this.refused++
    else if (incoming.method === 'DELETE' || /[?&]delete/.test(incoming.url!)) this.removals++
    const refusal = refusals[this.mood]
    const writes = incoming.method !== 'GET' && incoming.method !== 'HEAD'
    if (this.mood === 'gone') return void incoming.destroy()
    if (this.mood === 'silent') return void incoming.resume()
    if (refusal !== undefined && (writes || this.mood !== 'full')) {
      incoming.resume()
      const text = `<Error><Code>${refusal.code}</Code><Message>${refusal.code}</Message></Error>`
      return void answer.writeHead(refusal.status, { 'content-type': 'application/xml' }).end(text)
    }
    const { hostname, port } = new URL((this.#target.replica as { endpoint: string }).endpoint)
    const { method, url: path, headers } = incoming
    const outgoing = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#target[Symbol.asyncDispose]()
  }
}
