import { basename } from 'node:path'
import { Branches, placeOf, readCheckout, type BranchPlace } from '../branches/index.ts'
import type { EnvironmentName } from './config.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** The git branch that an app is on, with data of its own. */
export interface AppBranch extends BranchPlace {
  defaultBranch: string
  /** The data folder of the default branch, in which those of the others are. */
  root: string
  /** What a new branch begins with. */
  from: 'data' | 'schema'
}

/**
 * Which branch's data an app uses; `undefined` when the setting `database.branches` is off, and always outside of development:
 * there the name of a branch must not decide which data are served.
 *
 * @throws HandcarError `HANDCAR_BRANCH_NOT_FOUND`
 */
export function branchOf(
  from: false | 'data' | 'schema',
  { folder, root, runsAs }: { folder: string; root: string; runsAs: EnvironmentName },
): AppBranch | undefined {
  if (from === false || runsAs !== 'development') return undefined
  const { current, default: defaultBranch } = readCheckout(folder)
  return { ...placeOf(root, current, defaultBranch), defaultBranch, root, from }
}

/** The databases of the branches of an app. Opens nothing. */
export function branchesOf({ branch, database }: ResolvedConfig & { branch: AppBranch }): Branches {
  const { root, defaultBranch } = branch
  const { path, extensions } = database
  return new Branches({ root, file: basename(path), defaultBranch, ...(extensions && { extensions }) })
}

/** Gives the branch that an app is on a data folder, if it has none yet. */
export async function createBranch(
  config: ResolvedConfig,
  progress: (message: string) => void,
): Promise<void> {
  const { branch } = config
  if (branch === undefined || branch.isDefault) return
  const branches = branchesOf({ ...config, branch })
  if (branches.has(branch.name)) return
  progress(`making a database for the branch ${branch.name}`)
  await branches.create(branch.name, branch.from)
}
