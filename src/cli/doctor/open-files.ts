import { readdirSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { readSystemFile } from './system-file.ts'

/** A process that has a file open. */
export interface Opener {
  pid: number
  /** Name of its program's file, such as `node`. */
  program: string
  command: string
  /** Whether it holds a file that has been deleted or replaced since. */
  isDeleted: boolean
}

/**
 * Which processes have one of these files open, as `/proc` tells.
 *
 * Processes that this one has started, such as the inspector's, do not count.
 *
 * @returns also whether there were processes that could not be looked into: those of other users
 */
export function findOpeners(paths: readonly string[]): { openers: Opener[]; isComplete: boolean } {
  const openers: Opener[] = []
  let isComplete = true
  for (const pid of processIds()) {
    const links = openFilesOf(pid)
    if (links === undefined) isComplete = false
    const found = links?.filter((link) => paths.includes(link.replace(/ \(deleted\)$/, ''))) ?? []
    if (found.length > 0 && parentOf(pid) !== process.pid) openers.push(describe(pid, found))
  }
  return { openers, isComplete }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0)
  } catch {
    return []
  }
}

/** `undefined` when they may not be seen. A process that has ended has none. */
function openFilesOf(pid: number): string[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`) ?? [],
    )
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : []
  }
}

function parentOf(pid: number): number {
  return Number((readSystemFile(`/proc/${pid}/stat`) ?? '').split(') ').at(-1)!.split(' ')[1])
}

function describe(pid: number, links: readonly string[]): Opener {
  const command = (readSystemFile(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim().slice(0, 120)
  return {
    pid,
    program: basename(linkOf(`/proc/${pid}/exe`) ?? ''),
    command,
    isDeleted: links.some((link) => link.endsWith(' (deleted)')),
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
