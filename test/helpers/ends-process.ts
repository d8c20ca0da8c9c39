import { endRecorded } from '../../src/backup/litestream/process-record.ts'
import type { HandcarError } from '../../src/core/index.ts'

/** Ends another process, and says what came of it. */

const { pid, startedAt } = JSON.parse(process.argv[2]!) as { pid: number; startedAt: string }
try {
  await endRecorded({ pid, startedAt }, 100)
  process.stdout.write('ended')
} catch (error) {
  const { code, message } = error as HandcarError
  process.stdout.write(`${code} ${message}`)
}
