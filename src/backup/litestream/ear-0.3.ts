import { fetchText, type Ear, type Position } from './ear.ts'
import { parseMetrics, type Metric } from './metrics.ts'

/** More than a WAL can be large: an index and an offset in it make one number, which stays exact. */
const longestWal = 2 ** 36

/**
 * Litestream 0.3 tells its positions on a page of metrics for Prometheus: the WAL it has read (`litestream_shadow_wal_index`, `_size`) and
 * the part that each replica has (`litestream_replica_wal_index`, `_offset`). When its port was taken it only logs that, so the page may be
 * that of somebody else: it counts only with one of our databases.
 */
export class Ear03 implements Ear {
  readonly #port: number
  readonly #paths: readonly string[]

  /** @param paths Paths of the databases. */
  constructor(port: number, paths: readonly string[]) {
    this.#port = port
    this.#paths = paths
  }

  line(): void {
    // The page says it all.
  }

  async ask(): Promise<Position[]> {
    const metrics = parseMetrics(await fetchText({ port: this.#port, path: '/metrics' }))
    const ours = metrics.filter(({ labels }) => this.#paths.includes(labels['db'] ?? ''))
    if (ours.length === 0) throw new Error(`The page on port ${this.#port} is not that of this Litestream`)
    return this.#paths
      .map((path) =>
        positionIn(
          ours.filter(({ labels }) => labels['db'] === path),
          path,
        ),
      )
      .filter((position) => position !== undefined)
  }
}

/** `undefined` before the database was read the first time. */
function positionIn(metrics: readonly Metric[], path: string): Position | undefined {
  const valueOf = (name: string, replica?: string): number | undefined =>
    metrics.find((each) => each.name === `litestream_${name}` && each.labels['name'] === replica)?.value
  const size = valueOf('shadow_wal_size')
  const index = valueOf('shadow_wal_index')
  if (size === undefined || index === undefined) return undefined
  const names = new Set(metrics.map(({ labels }) => labels['name']).filter((name) => name !== undefined))
  const remote = [...names].flatMap((name): [string, number][] => {
    const [at, offset] = [valueOf('replica_wal_index', name), valueOf('replica_wal_offset', name)]
    return at === undefined || offset === undefined ? [] : [[name, at * longestWal + offset]]
  })
  return { path, local: index * longestWal + size, remote: Object.fromEntries(remote) }
}
