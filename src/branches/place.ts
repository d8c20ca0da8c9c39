import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Where the data of a branch are. */
export interface BranchPlace {
  /** The name of the branch, as git has it. */
  name: string
  isDefault: boolean
  /** Its data folder. */
  data: string
}

/** The longest part of a name that its folder shows. */
const longest = 60

/**
 * Where the data of a branch are: for the default branch the data folder itself, as without branches; for any other a folder below
 * `branches` in it.
 *
 * @param root The data folder.
 */
export function placeOf(root: string, name: string, defaultBranch: string): BranchPlace {
  const isDefault = name === defaultBranch
  return { name, isDefault, data: isDefault ? root : join(root, 'branches', folderName(name)) }
}

/**
 * Makes the name of a branch safe as the name of a folder. A name that is not safe as it is gets a part of its digest, so that
 * `feature/x`, `feature-x` and `Feature-X` stay apart, on a disk that ignores capitals too.
 */
export function folderName(branch: string): string {
  const safe = branch
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, longest)
  if (safe === branch && !safe.endsWith('.')) return safe
  const digest = createHash('sha256').update(branch).digest('hex').slice(0, 8)
  return safe === '' ? digest : `${safe}-${digest}`
}
