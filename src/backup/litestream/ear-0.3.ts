import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fetchText, type Ear, type Position } from './ear.ts'
import { parseMetrics, type Metric } from './metrics.ts'
import type { OutputLine } from './output.ts'

/** More than a WAL can be large: an index and an offset in it make one number, which stays exact. */
const longestWal = 2 ** 36

/**
 * Litestream 0.3 tells its positions on a page of metrics for Prometheus: the WAL it has read (`litestream_shadow_wal_index`) and the part
 * that each replica has (`litestream_replica_wal_index`, `_offset`). How far it is in the WAL that it reads is the size of its own copy of
 * that; `litestream_shadow_wal_size` is the sum of all copies that it still keeps. When its port was taken it only logs that, so the page
 * may be that of somebody else: it counts only with one of our databases.
 */
export class Ear03 implements Ear {
  readonly #port: number
  readonly #paths: readonly string[]
  /** Databases whose replicas have begun from nothing since its start. */
  readonly #begun = new Set<string>()
  /** How often each database was read, and when that was seen. */
  readonly #counted = new Map<string, { count: number; at: number }>()

  /** @param paths Paths of the databases. */
  constructor(port: number, paths: readonly string[]) {
    this.#port = port
    this.#paths = paths
  }

  line({ message, fields }: OutputLine): void {
    if (message === 'sync: new generation' && typeof fields['db'] === 'string') this.#begun.add(fields['db'])
  }

  async ask(): Promise<Position[]> {
    const at = performance.now()
    const metrics = parseMetrics(await fetchText({ port: this.#port, path: '/metrics' }))
    const ours = metrics.filter(({ labels }) => this.#paths.includes(labels['db'] ?? ''))
    if (ours.length === 0) throw new Error(`The page on port ${this.#port} is not that of this Litestream`)
    const positions: Position[] = []
    for (const path of this.#paths) {
      const metricsOfPath = ours.filter(({ labels }) => labels['db'] === path)
      const position = await positionIn(metricsOfPath, path, this.#begun.has(path))
      if (position === undefined) continue
      const readUntil = this.#readUntil(path, valueOf(metricsOfPath, 'sync_count') ?? 0, at)
      positions.push({ ...position, ...(readUntil !== undefined && { readUntil }) })
    }
    return positions
  }

  /** The count goes up at the end of a reading, so that the second one since the last question has begun after it. */
  #readUntil(path: string, count: number, at: number): number | undefined {
    const before = this.#counted.get(path)
    if (before !== undefined && count < before.count + 2) return undefined
    this.#counted.set(path, { count, at })
    return before?.at
  }
}

/**
 * `undefined` before the database was read the first time. After a start the numbers of a replica that has everything stay 0 until something
 * new is written: they say nothing then, unless it did begin from nothing.
 */
async function positionIn(
  metrics: readonly Metric[],
  path: string,
  hasBegun: boolean,
): Promise<Position | undefined> {
  const index = valueOf(metrics, 'shadow_wal_index')
  const size = index === undefined ? undefined : await copiedOf(path, index)
  if (size === undefined || index === undefined) return undefined
  const names = new Set(metrics.map(({ labels }) => labels['name']).filter((name) => name !== undefined))
  const remote = [...names].flatMap((name): [string, number][] => {
    const part = valueOf(metrics, 'replica_wal_index', name)
    const offset = valueOf(metrics, 'replica_wal_offset', name)
    if (part === undefined || offset === undefined) return []
    const position = part * longestWal + offset
    return position === 0 && !hasBegun ? [] : [[name, position]]
  })
  return { path, local: index * longestWal + size, remote: Object.fromEntries(remote) }
}

/** Bytes of a WAL that Litestream has copied; `undefined` when it has just begun another one. */
async function copiedOf(path: string, index: number): Promise<number | undefined> {
  const notes = join(dirname(path), `.${basename(path)}-litestream`)
  const name = `${index.toString(16).padStart(8, '0')}.wal`
  try {
    const generation = await readFile(join(notes, 'generation'), 'utf8')
    return (await stat(join(notes, 'generations', generation.trim(), 'wal', name))).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function valueOf(metrics: readonly Metric[], name: string, replica?: string): number | undefined {
  return metrics.find((each) => each.name === `litestream_${name}` && each.labels['name'] === replica)?.value
}
