import type { RestoreRange } from './moments.ts'

interface LtxFile {
  level: number
  min_txid: string
  timestamp: string
}

/**
 * Reads the list that `litestream ltx -level all -json` of 0.5 prints. A state can be restored from the first file on that begins with
 * the first transaction, which is what a snapshot does.
 */
export function readLtxFiles(printed: string): RestoreRange[] {
  const files = JSON.parse(printed || '[]') as LtxFile[] | null
  if (!files || files.length === 0) return []
  const times = files.map(({ timestamp }) => Date.parse(timestamp))
  const whole = files
    .filter(({ min_txid }) => /^0*1$/.test(min_txid))
    .map(({ timestamp }) => Date.parse(timestamp))
  if (whole.length === 0) return []
  return [{ from: Math.min(...whole), to: Math.max(...times) + 1_000 }]
}

/** How many snapshots are in the list that {@link readLtxFiles} reads. */
export function countWholeFiles(printed: string): number {
  const files = JSON.parse(printed || '[]') as LtxFile[] | null
  return (files ?? []).filter(({ level }) => level === snapshotLevel).length
}

const snapshotLevel = 9
