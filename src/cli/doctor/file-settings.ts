import { formatSize } from '../../core/index.ts'
import type { Inspector } from '../../database/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'

/** A value of `pragma auto_vacuum`. */
const full = 1

/** What is written in the file itself, by whichever program made it or opened it last. */
export const fileSettings: Check = {
  name: 'file settings',
  async run({ inspector }) {
    if (inspector === undefined) return []
    const mode = await read<string>(inspector, 'journal_mode')
    const pageSize = await read<number>(inspector, 'page_size')
    const pages = await read<number>(inspector, 'page_count')
    const free = await read<number>(inspector, 'freelist_count')
    const autoVacuum = await read<number>(inspector, 'auto_vacuum')
    const findings = [
      ...judgeJournalMode(mode),
      ...judgePageSize(pageSize),
      ...(autoVacuum === full ? [vacuums()] : []),
      ...judgeFreePages(free, pages, pageSize),
    ]
    const allIsWell = `${mode}, ${pages} pages of ${pageSize} bytes, ${free} of them free`
    return findings.length > 0 ? findings : [ok(allIsWell)]
  },
}

async function read<Value>(inspector: Inspector, name: string): Promise<Value> {
  const [row] = await inspector.all<Record<string, Value>>(`pragma ${name}`)
  return Object.values(row!)[0]!
}

function judgeJournalMode(mode: string): Finding[] {
  if (mode === 'wal') return []
  return [
    warning({
      what: `the journal mode of the file is ${mode}`,
      why: 'handcar sets WAL when it opens a database: since this file was restored or made the app was not started, or another program has changed it back.',
      fix: 'Start the app once; keep tools away that set journal_mode.',
    }),
  ]
}

function judgePageSize(size: number): Finding[] {
  if (size >= 4_096 && size <= 16_384) return []
  return [
    warning({
      what: `the page size is ${size} bytes`,
      why: 'Disks write at least 4,096 bytes at once: smaller pages cost more writes, much larger ones a longer WAL.',
      fix: 'While the app is stopped: pragma journal_mode = delete; pragma page_size = 4096; vacuum',
    }),
  ]
}

function vacuums(): Finding {
  return warning({
    what: 'auto_vacuum is full',
    why: 'It moves pages at each commit that frees some, which makes the WAL longer and the file fragmented.',
    fix: 'While the app is stopped: pragma auto_vacuum = incremental; vacuum',
  })
}

function judgeFreePages(free: number, pages: number, pageSize: number): Finding[] {
  const bytes = free * pageSize
  if (bytes < 256 * 1_024 ** 2 || free < pages / 2) return []
  return [
    warning({
      what: `${formatSize(bytes)} of the file, more than half of it, are free pages`,
      why: 'They are used again by later rows, but a copy and a check take as long as if they were full.',
      fix: 'If the rows will not come back: vacuum, at a quiet time, with as much disk space free.',
    }),
  ]
}
