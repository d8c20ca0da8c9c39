import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Database } from 'handcar/database'
import { auditLedger, parseAcknowledgements } from './ledger-audit.ts'
import { enter, ledgerOptions } from './ledger.ts'
import { Disk } from './power-cut-disk.ts'
import type { Survival } from './power-cut-file.ts'
import type { Entry } from './power-cut-log.ts'
import type { Recording } from './power-cut-recording.ts'
import type { Random } from './random.ts'

/** What a survey came to. */
export interface Survey {
  cuts: number
  /** Disks that were opened and audited. */
  images: number
  /** Transactions that had been acknowledged at the last cut. */
  acknowledged: number
  problems: string[]
}

/**
 * Cuts the power at many moments of a recording. For each, the disk as it may be then is made again in several ways (all of
 * the unsynced changes, none of them, random parts) and opened with handcar, which must find every acknowledged
 * transaction. Stops at the first cut with problems.
 */
export async function surveyCuts(
  recording: Recording,
  count: number,
  random: Random,
  scratch: string,
): Promise<Survey> {
  const survey: Survey = { cuts: 0, images: 0, acknowledged: 0, problems: [] }
  const { entries, folder, inode } = recording
  const disk = new Disk(folder, inode)
  const reader = new AcknowledgementReader(recording.acknowledgements)
  let done = 0
  for (const cut of chooseCuts(entries, reader.path, count, random)) {
    for (; done < cut; done++) {
      disk.apply(entries[done]!, done)
      reader.apply(entries[done]!)
    }
    const acknowledged = parseAcknowledgements(reader.text)
    survey.cuts++
    survey.acknowledged = [...acknowledged.values()].reduce((sum, { length }) => sum + length, 0)
    for (const [how, survives] of waysToSurvive(random)) {
      survey.images++
      const image = disk.image(survives)
      rmSync(scratch, { recursive: true, force: true })
      for (const path of [folder, ...image.folders])
        mkdirSync(join(scratch, relative(folder, path)), { recursive: true })
      for (const [path, bytes] of image.files) writeFileSync(join(scratch, relative(folder, path)), bytes)
      const problems = await audit(join(scratch, relative(folder, recording.path)), acknowledged)
      survey.problems.push(
        ...problems.map((problem) => `cut at ${cut} of ${entries.length}, ${how}: ${problem}`),
      )
    }
    if (survey.problems.length > 0) break
  }
  return survey
}

/** Follows what the writers reported, in the order of the log. */
class AcknowledgementReader {
  readonly path: string
  text = ''
  #inode: bigint | undefined

  constructor(path: string) {
    this.path = path
  }

  apply(entry: Entry): void {
    if (entry.kind === 'create' && entry.path === this.path) this.#inode = entry.inode
    if (entry.kind === 'write' && entry.inode === this.#inode) this.text += entry.data.toString()
  }
}

/**
 * Moments, in order: a third anywhere, a third right after an acknowledgement, where most can be lost, and a third around
 * what happens rarely: files made, removed and truncated, and writes at the beginning of a file, such as those of a WAL
 * that is reused.
 */
function chooseCuts(entries: Entry[], acknowledgements: string, count: number, random: Random): number[] {
  const reader = new AcknowledgementReader(acknowledgements)
  const afterAcknowledgement: number[] = []
  const rare: number[] = []
  for (const [index, entry] of entries.entries()) {
    const before = reader.text.length
    reader.apply(entry)
    if (reader.text.length > before) afterAcknowledgement.push(index + 1)
    else if (entry.kind === 'write' ? entry.offset === 0 : !entry.kind.startsWith('sync')) rare.push(index)
  }
  const cuts = Array.from({ length: count }, (_, index) => {
    if (index % 3 === 1) return random.pick(afterAcknowledgement)
    if (index % 3 === 2) return Math.min(entries.length, random.pick(rare) + random.between(0, 12))
    return random.between(0, entries.length + 1)
  })
  return cuts.sort((one, other) => one - other)
}

function waysToSurvive(random: Random): [string, Survival][] {
  const some = (share: number): [string, Survival] => [`${share} of it survives`, () => random.chance(share)]
  return [
    ['all survives', () => true],
    ['only what was synced survives', () => false],
    some(0.5),
    some(random.pick([0.03, 0.1, 0.9, 0.97])),
  ]
}

async function audit(path: string, acknowledged: ReadonlyMap<string, readonly number[]>): Promise<string[]> {
  try {
    await using database = new Database({ ...ledgerOptions, path, readers: false, checkpointer: false })
    await database.start()
    const problems = auditLedger(database, acknowledged)
    if (problems.length > 0) return problems
    await database.write((tx) => enter(tx, 'after the power cut', 1, ''))
    return auditLedger(database, new Map([['after the power cut', [1]]]))
  } catch (error) {
    return [`it cannot be opened: ${String(error)}`]
  }
}
