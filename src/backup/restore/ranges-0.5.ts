import type { RestoreRange } from './moments.ts'

interface LtxFile {
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
