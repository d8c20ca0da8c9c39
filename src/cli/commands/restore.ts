import { resolve } from 'node:path'
import { loadConfig, restoreDatabases } from '../../app/index.ts'
import type { RestoredDatabase } from '../../backup/index.ts'
import { formatSize } from '../../core/index.ts'
import type { Command, Output } from '../command.ts'
import { keepStopped } from '../keep-stopped.ts'
import { readMoment } from '../moment.ts'

type Options = { at?: string; to?: string; database?: string; takeOver?: true; json?: true }

/** `handcar restore` */
export const command: Command<Options> = {
  name: 'restore',
  summary: 'Restore the databases from the backup, to now or to an earlier moment',
  description: `Stop the app first: it cannot be started meanwhile. What is restored is checked from one end to the other before anything is
touched; then it takes the place of the databases, whose files are set aside in replaced-<time> in the data folder, not deleted.`,
  options: [
    {
      flags: '--at <time>',
      description: 'the newest state that is not younger: 2026-04-01T09:30:00Z, "10m ago"',
    },
    {
      flags: '--to <folder>',
      description: 'lay the files down in this folder, and leave the databases as they are',
    },
    { flags: '--database <name>', description: 'only this one: app' },
    { flags: '--take-over', description: 'also from a replica whose machine is gone for good' },
    { flags: '--json', description: 'print what was restored as JSON' },
  ],
  examples: [
    'handcar stop && handcar restore && handcar start',
    'handcar restore --at "10m ago" --to look',
    'handcar stop && handcar restore --at 2026-04-01T09:30:00Z && handcar start',
  ],
  async run({ folder, output }, { at, to, database, takeOver = false, json }) {
    const moment = at === undefined ? undefined : readMoment('--at', at)
    const config = await loadConfig(folder)
    using _stopped = to === undefined ? keepStopped(config.data) : undefined
    const startedAt = performance.now()
    const restored = await restoreDatabases(config, {
      at: moment,
      to: to === undefined ? undefined : resolve(to),
      database,
      takeOver,
      progress: (message) => output.warn(output.color.dim(message)),
    })
    const duration = Math.round(performance.now() - startedAt)
    if (json) return output.json({ duration, databases: restored })
    for (const each of restored) print(each, output)
  },
}

function print(restored: RestoredDatabase, output: Output): void {
  const { color } = output
  const { path, address, newestAt, hole, bytes, foreignKeyViolations, replaced } = restored
  output.line(
    `Restored ${color.bold(path)} (${formatSize(bytes)}) from ${address}, with everything that was sent until ${timeOf(newestAt)}.`,
  )
  if (hole !== undefined)
    output.warn(
      color.yellow(
        `From ${timeOf(hole.from)} ${hole.until === undefined ? 'on' : `until ${timeOf(hole.until)}`} it has nothing: nothing was written then, or nothing was sent.`,
      ),
    )
  if (replaced !== undefined) output.line(`The files that were there are in ${replaced}.`)
  if (foreignKeyViolations > 0)
    output.warn(
      color.yellow(
        `${foreignKeyViolations} rows refer to rows that are not there, as they did in the database.`,
      ),
    )
}

const timeOf = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
