import { option } from '../../core/index.ts'
import type { Engine } from '../engine.ts'
import { insertLog, trimLog } from '../sql.ts'
import type { RunningJob } from './running-job.ts'

/** How many characters of a line are kept. */
const longestLine = 8_192
/** How many lines of a job are kept; some more for a while. */
const keptLines = 1_000
const linesBetweenTrims = 100

/** Adds a line to the log of a job. A job that has much to say cannot fill the disk: its oldest lines go. */
export function writeLog({ database, clock }: Engine, job: RunningJob, text: string): Promise<void> {
  if (typeof text !== 'string') throw option.invalidOption('log text', 'a string', text)
  const line = text.slice(0, longestLine)
  const isTrimmed = ++job.lines % linesBetweenTrims === 0
  return database.write((tx) => {
    tx.run(insertLog, [job.row.id, clock.now(), line])
    if (isTrimmed) tx.run(trimLog, { job: job.row.id, kept: keptLines })
  })
}
