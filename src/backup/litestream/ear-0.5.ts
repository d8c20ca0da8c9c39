import { basename } from 'node:path'
import { monotonic } from './monotonic.ts'
import { fetchText, type Ear, type Position } from './ear.ts'
import type { OutputLine } from './output.ts'

/** What the socket says of the last reading of a WAL. */
interface SyncStatus {
  path: string
  txid?: number
  /** Whether it goes on. */
  active: boolean
  started_at?: string
}

/**
 * Litestream 0.5 counts transactions. How many of a database it has read it tells on its control socket (a unix socket, so that no port is
 * needed); how many the replica has only its log says, at `info`:
 *
 *     {"msg":"replica sync","db":"app.sqlite3","txid":{"replica":"0000000000000012","db":"0000000000000013"}}
 *     {"msg":"ltx file uploaded","db":"app.sqlite3","level":0,"maxTXID":"0000000000000013"}
 *
 * The log names a database by its file without the folder. The time of the last sync, which the socket tells too, is no help: while nothing
 * is written it does not move.
 */
export class Ear05 implements Ear {
  readonly #socket: string
  readonly #paths: readonly string[]
  readonly #replica: string
  /** Transactions that the replica has, by the name of the file. */
  readonly #remote = new Map<string, number>()
  /** Databases whose WAL it reads because it was told to; whether it is to do so once more. */
  readonly #hurried = new Map<string, boolean>()

  /** @param replica Name of the only replica. */
  constructor(socket: string, paths: readonly string[], replica: string) {
    this.#socket = socket
    this.#paths = paths
    this.#replica = replica
  }

  line({ message, fields }: OutputLine): void {
    const { db, txid, level, maxTXID } = fields
    if (typeof db !== 'string') return
    if (message === 'replica sync')
      this.#remote.set(db, hexadecimal((txid as { replica?: unknown })?.replica))
    else if (message === 'ltx file uploaded' && level === 0) this.#remote.set(db, hexadecimal(maxTXID))
  }

  async hurry(path: string): Promise<void> {
    if (this.#hurried.has(path)) return void this.#hurried.set(path, true)
    do {
      this.#hurried.set(path, false)
      // One that does not answer does what it does by itself.
      await fetchText({ socketPath: this.#socket, path: '/sync' }, JSON.stringify({ path })).catch(() => {})
    } while (this.#hurried.get(path))
    this.#hurried.delete(path)
  }

  async ask(): Promise<Position[]> {
    const text = await fetchText({ socketPath: this.#socket, path: '/debug/sync-status' })
    const { databases } = JSON.parse(text) as { databases: SyncStatus[] | null }
    return (databases ?? []).flatMap(({ path, txid, active, started_at: startedAt }) => {
      if (txid === undefined || !this.#paths.includes(path)) return []
      // It says where the replica is as soon as that has answered.
      const remote = this.#remote.get(basename(path)) ?? 0
      return [
        {
          path,
          local: txid,
          remote: { [this.#replica]: remote },
          ...(!active && startedAt !== undefined && { readUntil: monotonic(Date.parse(startedAt)) }),
        },
      ]
    })
  }
}

const hexadecimal = (value: unknown): number => Number.parseInt(String(value), 16) || 0
