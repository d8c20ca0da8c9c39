import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { statOf } from './system-file.ts'

/** Clocks of a machine differ from those of its disk by a little. */
const tolerance = 60_000
const timesync = '/run/systemd/timesync'

/** Whether the clock can be right. */
export const clock: Check = {
  name: 'clock',
  async run({ dataFolder, migrationsFolder }) {
    const newest = Math.max(newestFile(dataFolder), newestMigration(migrationsFolder), builtAt())
    const isSynchronised = statOf(timesync) ? statOf(join(timesync, 'synchronized')) !== undefined : undefined
    return judgeClock(Date.now(), newest, isSynchronised)
  },
}

/**
 * Judges the time by the newest thing that must lie in the past (milliseconds since 1970), and by what systemd's time
 * service says; `undefined` when it does not run.
 */
export function judgeClock(now: number, newest: number, isSynchronised: boolean | undefined): Finding[] {
  const time = new Date(now).toISOString()
  if (newest > now + tolerance) {
    return [
      error({
        what: `the clock says ${time}, but there are files from ${new Date(newest).toISOString()}`,
        why: 'Sessions, jobs and cache entries expire by the clock, and certificates seem invalid when it is wrong.',
        fix: 'Set it and keep it right: timedatectl set-ntp true',
      }),
    ]
  }
  if (isSynchronised === false) {
    return [
      warning({
        what: `the clock says ${time} and is not synchronised yet`,
        why: 'It will jump, and everything that is timed with it.',
        fix: 'See `timedatectl status`; allow UDP port 123 to go out.',
      }),
    ]
  }
  const how = isSynchronised ? 'synchronised' : 'whether it is synchronised is not known'
  return [ok(`${time}, ${how}`)]
}

function newestFile(folder: string): number {
  return Math.max(0, ...list(folder).map((file) => statOf(join(folder, file))?.mtimeMs ?? 0))
}

/** Migrations are named after the moment in which they were written, `20261120093000_create_posts.sql`. */
function newestMigration(folder: string | undefined): number {
  const times = folder === undefined ? [] : list(folder).map((file) => timeOf(file))
  // Written on another machine, perhaps ahead by its time zone.
  return Math.max(0, ...times) - 24 * 3_600_000
}

function timeOf(file: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)\d*_/.exec(file)
  const time = match ? Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`) : 0
  return Number.isNaN(time) ? 0 : time
}

function builtAt(): number {
  return statOf(import.meta.filename)?.mtimeMs ?? 0
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
