import { option, readOptions, type OptionReader } from '../../core/index.ts'

/** A folder, best on another disk. */
export interface FolderReplica {
  type: 'folder'
  /** What it is called in status and log. Default: its type, with a number from the second one on. */
  name?: string
  path: string
}

/**
 * A bucket of S3 or of a server that speaks its language. The keys come from the environment: LITESTREAM_ACCESS_KEY_ID and
 * LITESTREAM_SECRET_ACCESS_KEY, or those of AWS.
 */
export interface S3Replica {
  type: 's3'
  name?: string
  bucket: string
  /** The beginning of the names of its objects. Default: `'handcar'` */
  path?: string
  /** Where the server is, `https://…`. Default: that of AWS. */
  endpoint?: string
  /** Default: `'us-east-1'` */
  region?: string
  /** Whether the bucket stands in the path and not in the host. Default: true with an endpoint, else false */
  forcePathStyle?: boolean
}

/** A folder on another machine, reached by SSH. */
export interface SftpReplica {
  type: 'sftp'
  name?: string
  host: string
  /** Default: 22 */
  port?: number
  user: string
  /** Path of the private key. */
  keyPath: string
  /** The folder there. */
  path: string
  /** The public key of the server, `ssh-ed25519 AAAA…`. Without it anybody can pretend to be the server. Litestream 0.5 checks it. */
  hostKey?: string
}

/** A place that keeps the changes of databases, elsewhere. */
export type Replica = FolderReplica | S3Replica | SftpReplica

/** A replica with every value filled in. */
export type ResolvedReplica =
  | Required<FolderReplica>
  | (Required<Omit<S3Replica, 'endpoint'>> & Pick<S3Replica, 'endpoint'>)
  | (Required<Omit<SftpReplica, 'hostKey'>> & Pick<SftpReplica, 'hostKey'>)

const name = option.optional(
  option.matching(
    'up to 40 lower-case letters, digits and dashes',
    (value): value is string => typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(value),
  ),
)
const type = option.oneOf(['folder', 's3', 'sftp'], 'folder')

const readers = {
  folder: { type, name, path: option.text() },
  s3: {
    type,
    name,
    bucket: option.matching(
      'the name of a bucket, without s3:// and without a path',
      (value): value is string => typeof value === 'string' && /^[A-Za-z0-9][\w.-]*$/.test(value),
    ),
    path: option.text('handcar'),
    endpoint: option.optional(
      option.matching(
        'an address that begins with http:// or https://',
        (value): value is string => typeof value === 'string' && /^https?:\/\/[^\s/@]+\/?$/.test(value),
      ),
    ),
    region: option.text('us-east-1'),
    forcePathStyle: option.optional(option.flag(false)),
  },
  sftp: {
    type,
    name,
    host: option.word,
    port: option.integer(22, { min: 1, max: 65_535 }),
    user: option.word,
    keyPath: option.text(),
    path: option.text(),
    hostKey: option.optional(option.text()),
  },
} as const

/** Reads the setting `replicas`: checked, each with a name of its own. Default: none. */
export const readReplicas: OptionReader<readonly ResolvedReplica[]> = (value, at) => {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw option.invalidOption(at, 'a list of replicas', value)
  const taken = new Set<string>()
  return value.map((each: unknown, index) => {
    const replica = readReplica(each, `${at}[${index}]`)
    const unnamed = replica.name === undefined
    const own = unnamed ? freeName(replica.type, taken) : replica.name!
    if (taken.has(own)) throw option.invalidOption(`${at}[${index}]`, `another name than "${own}"`, each)
    taken.add(own)
    return { ...replica, name: own } as ResolvedReplica
  })
}

function readReplica(value: unknown, at: string): { type: string; name: string | undefined } {
  const kind = (value as { type?: unknown } | null)?.type
  if (kind !== 'folder' && kind !== 's3' && kind !== 'sftp')
    throw option.invalidOption(at, 'an object with type "folder", "s3" or "sftp"', kind ?? value)
  const read = readOptions(at, value, readers[kind])
  if (!('forcePathStyle' in read)) return read
  return { ...read, forcePathStyle: read.forcePathStyle ?? read.endpoint !== undefined } as typeof read
}

function freeName(kind: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? kind : `${kind}-${count}`
    if (!taken.has(candidate)) return candidate
  }
}

/** Where a replica keeps a database, for people: `s3://bucket/handcar/app`. */
export function addressOf(replica: ResolvedReplica, database: string): string {
  if (replica.type === 'folder') return `${replica.path}/${database}`
  if (replica.type === 's3') return `s3://${replica.bucket}/${replica.path}/${database}`
  return `sftp://${replica.user}@${replica.host}:${replica.port}/${replica.path.replace(/^\//, '')}/${database}`
}
