import { readMounts } from './mounts.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { isClosedFolder, readSystemFile, statOf } from './system-file.ts'

/** The database, its `-wal` and its `-shm`: one device, one owner, one name, and rights that fit. */
export const databaseFiles: Check = {
  name: 'database files',
  async run({ databasePath: path, dataFolder }) {
    if (isClosedFolder(dataFolder)) return []
    const files = ['', '-wal', '-shm'].flatMap((ending) => {
      const stats = statOf(path + ending)
      return stats ? [{ path: path + ending, stats }] : []
    })
    const main = statOf(path)
    if (main === undefined) return [...strayWal(files), ...judgeUmask()]
    const owners = new Set(files.map(({ stats }) => stats.uid))
    const troubles = [
      ...devices(path, new Set(files.map(({ stats }) => stats.dev)).size),
      ...(owners.size > 1 ? [severalOwners(files)] : []),
      ...(main.nlink > 1 ? [severalNames(path, main.nlink)] : []),
    ]
    const allIsWell = `${files.length} file${files.length > 1 ? 's' : ''} of user ${main.uid} on one device`
    return [...(troubles.length > 0 ? troubles : [ok(allIsWell)]), ...judgeUmask()]
  },
}

interface File {
  path: string
  stats: { uid: number; dev: number }
}

function strayWal(files: readonly File[]): Finding[] {
  if (files.length === 0) return [ok('there is no database yet')]
  return [
    error({
      what: `${files.map(({ path }) => path).join(' and ')} lie there without their database`,
      why: 'A database that is put beside the WAL of another one is corrupt at once.',
      fix: 'Find out where the database went. To restore a backup, move these files away first.',
    }),
  ]
}

function devices(path: string, count: number): Finding[] {
  const isMountedAlone = readMounts().some(({ point }) => point === path)
  if (count === 1 && !isMountedAlone) return []
  return [
    error({
      what: isMountedAlone ? `${path} alone is mounted` : `${path} and its WAL lie on ${count} devices`,
      why: 'The WAL belongs to the database and is part of it: a container that keeps only one of them loses what was committed.',
      fix: 'Mount the folder, not the file.',
    }),
  ]
}

function severalOwners(files: readonly File[]): Finding {
  return error({
    what: `the files belong to different users: ${files.map(({ path, stats }) => `${path} to ${stats.uid}`).join(', ')}`,
    why: 'A process that may not write all three fails with "attempt to write a readonly database".',
    fix: `Give all of them to the user of the app: chown <user> ${files.map(({ path }) => path).join(' ')}`,
  })
}

function severalNames(path: string, count: number): Finding {
  return error({
    what: `${path} has ${count} names (hard links)`,
    why: 'Opened by two names it has two WALs, which corrupts it.',
    fix: `Remove the other names: find / -xdev -samefile ${path}`,
  })
}

function judgeUmask(): Finding[] {
  const umask = /^Umask:\s*(\d+)$/m.exec(readSystemFile('/proc/self/status') ?? '')?.[1]
  if (umask === undefined || Number.parseInt(umask, 8) & 0o002) return []
  return [
    warning({
      what: `the umask is ${umask}: new files can be written by every user`,
      why: 'A new database or WAL gets these rights.',
      fix: 'Set UMask=0027 in the unit of the service, or `umask 027` in the shell.',
    }),
  ]
}
