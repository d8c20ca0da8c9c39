import type { ReplicaContents, ReplicationStatus, VerifiedReplica } from '../../backup/index.ts'
import type { Output } from '../command.ts'
import { formatDuration, formatNumber } from '../format.ts'
import { formatTable } from '../table.ts'

type Database = ReplicationStatus['databases'][number]

/** A replica with what it has, and what its verifications have found. */
type KnownReplica = Database['replicas'][number] &
  ReplicaContents & { verifications: Omit<VerifiedReplica, 'database' | 'replica'> | null }

/** Databases with all that is known of their replicas. */
export type KnownDatabase = Omit<Database, 'replicas'> & { replicas: KnownReplica[] }

/** Puts together what Litestream, the replicas and the database tell. */
export function withReplicas(
  databases: readonly Database[],
  contents: Readonly<Record<string, ReplicaContents>>,
  verified: readonly VerifiedReplica[],
): KnownDatabase[] {
  return databases.map((database) => ({
    ...database,
    replicas: database.replicas.map((replica) => {
      const found = verified.find((each) => each.database === database.name && each.replica === replica.name)
      const verifications = found === undefined ? null : verificationsOf(found)
      return { ...replica, ...contents[replica.name], verifications }
    }),
  }))
}

function verificationsOf({ last, lastConclusive, lastVerified }: VerifiedReplica) {
  return { last, lastConclusive, lastVerified }
}

/** Prints what each replica has. */
export function printReplicas(databases: readonly KnownDatabase[], output: Output): void {
  const columns = [
    { title: 'database' },
    { title: 'replica' },
    { title: 'behind', align: 'right' as const },
    { title: 'can be restored' },
    { title: 'copies', align: 'right' as const },
    { title: 'verified' },
  ]
  const rows = databases.flatMap(({ name, replicas }) =>
    replicas.map((replica) => [
      name,
      replica.address,
      replica.lag === undefined ? 'not known' : formatDuration(replica.lag),
      spanOf(replica),
      formatNumber(replica.snapshots),
      verifiedOf(replica),
    ]),
  )
  for (const each of formatTable(columns, rows, output.color.bold)) output.line(each)
  for (const { address, error } of databases.flatMap(({ replicas }) => replicas))
    if (error !== undefined) output.line(output.color.yellow(`${address}: ${error}`))
}

function spanOf({ span, error, ranges = 1 }: KnownReplica): string {
  if (error !== undefined) return 'not known'
  if (span === undefined) return 'nothing'
  const holes = ranges > 1 ? `, in ${ranges} stretches` : ''
  return `${timeOf(span.from)} – ${timeOf(span.to)}${holes}`
}

function verifiedOf({ verifications }: KnownReplica): string {
  if (verifications === null) return 'not yet'
  const { last, lastVerified } = verifications
  const when = lastVerified === undefined ? 'never' : timeOf(lastVerified.beganAt)
  return last.verdict === 'verified'
    ? when
    : `${when}; ${last.verdict} at ${timeOf(last.beganAt)}: ${last.reason}`
}

const timeOf = (time: number): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ')
