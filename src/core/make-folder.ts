import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing. Not `mkdirSync` with `recursive`, which never returns below a folder such as
 * /proc that refuses to hold new ones.
 *
 * @param folder Absolute path.
 * @param mode Access rights of what is made. Default: those that the process gives
 * @returns the folders that were made, from the outermost to the innermost
 * @throws the error of the system
 */
export function makeFolder(folder: string, mode?: number): string[] {
  if (isFolder(folder)) return []
  const made = makeFolder(dirname(folder), mode)
  try {
    mkdirSync(folder, mode)
    return [...made, folder]
  } catch (error) {
    // Somebody else was faster.
    if (isFolder(folder)) return made
    throw error
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
