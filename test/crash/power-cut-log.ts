/** What the shim has recorded; see `power-cut-shim.c`. The place of a record in the log is its time. */
export type Entry =
  | { kind: 'write'; inode: bigint; offset: number; data: Buffer }
  | { kind: 'truncate'; inode: bigint; size: number }
  | { kind: 'sync-begin'; inode: bigint; sync: bigint }
  | { kind: 'sync-end'; inode: bigint; sync: bigint }
  | { kind: 'create'; inode: bigint; path: string }
  | { kind: 'unlink'; inode: bigint; path: string }
  | { kind: 'make-folder'; inode: bigint; path: string }

const headSize = 40
const kinds = [
  '',
  'write',
  'truncate',
  'sync-begin',
  'sync-end',
  'create',
  'unlink',
  'rename',
  'make-folder',
] as const

/** Reads a log. */
export function parseLog(log: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < log.length;) {
    const kind = kinds[log.readUInt32LE(at)]!
    const pathLength = log.readUInt32LE(at + 4)
    const inode = log.readBigUInt64LE(at + 8)
    const offset = Number(log.readBigUInt64LE(at + 16))
    const dataLength = Number(log.readBigUInt64LE(at + 24))
    const sync = log.readBigUInt64LE(at + 32)
    const path = log.toString('utf8', at + headSize, at + headSize + pathLength)
    const end = at + headSize + pathLength + dataLength
    if (kind === 'write') entries.push({ kind, inode, offset, data: log.subarray(end - dataLength, end) })
    else if (kind === 'truncate') entries.push({ kind, inode, size: offset })
    else if (kind === 'sync-begin' || kind === 'sync-end') entries.push({ kind, inode, sync })
    else if (kind === 'create' || kind === 'unlink' || kind === 'make-folder')
      entries.push({ kind, inode, path })
    else throw new Error(`The log holds a record that nobody can replay: ${kind}`)
    at = end
  }
  return entries
}
