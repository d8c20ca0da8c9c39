import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The text of a file of the system, such as `/proc/meminfo`; `undefined` where there is none or it may not be read. */
export function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** What a path leads to; `undefined` when there is nothing, or it cannot be reached. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** Whether this user may list a folder, and make and remove files in it. */
export function isOpenFolder(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Whether something is at the path that this user may not use as a folder. */
export const isClosedFolder = (path: string): boolean => statOf(path) !== undefined && !isOpenFolder(path)

/** The folder itself, or the nearest one above it that exists. */
export function existingFolder(folder: string): string {
  let nearest = folder
  while (!statOf(nearest)?.isDirectory() && dirname(nearest) !== nearest) nearest = dirname(nearest)
  return nearest
}
