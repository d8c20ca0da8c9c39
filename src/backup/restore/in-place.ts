import { changeDatabase, type Extension, type FileChange } from '../../database/index.ts'

/**
 * What has to be done when a database goes back to an earlier state in its own place, where the app will go on with it. A file that is
 * only looked at stays as it was.
 */
export interface InPlace {
  /**
   * What is changed in the file before it takes the place: numbers that were given since must not be given again, clients must not
   * believe that they have missed nothing.
   */
  changes: readonly FileChange[]
  /**
   * Called when nobody has the database open any more, just before the switch: ends what was made from rows that will not be there. May
   * be called and no switch follow.
   */
  beforeSwitch?: () => Promise<void>
}

/** Makes a file that nobody knows of yet fit to take the place of the database. A crash leaves a file that nobody looks at. */
export async function fitIn(
  path: string,
  { changes = [] }: Partial<InPlace> = {},
  { extensions = [], signal }: { extensions?: readonly Extension[]; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  if (changes.length === 0) return
  await changeDatabase(path, changes, { isPrivate: true, extensions, ...(signal && { signal }) })
}
