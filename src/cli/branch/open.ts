import { branchesOf, loadConfig, type AppBranch, type ResolvedConfig } from '../../app/index.ts'
import type { Branches } from '../../branches/index.ts'
import { HandcarError } from '../../core/index.ts'
import type { CommandContext } from '../command.ts'
import { UsageError } from '../usage-error.ts'

/** The branches of an app. */
export interface OpenBranches {
  branches: Branches
  /** The branch that is checked out. */
  branch: AppBranch
  config: ResolvedConfig
}

/**
 * Finds the branches of an app, which must have them switched on.
 *
 * @throws HandcarError `HANDCAR_BRANCHES_OFF`, `HANDCAR_BRANCH_NOT_FOUND`
 */
export async function openBranches({ folder }: CommandContext): Promise<OpenBranches> {
  const config = await loadConfig(folder, { defaultEnvironment: 'development' })
  const { branch, environment } = config
  if (branch === undefined)
    throw new HandcarError(
      'HANDCAR_BRANCHES_OFF',
      `Expected an app in development with databases of branches, got one ${environment === 'development' ? 'without' : `that runs as ${environment}`}`,
    )
  return { branches: branchesOf({ ...config, branch }), branch, config }
}

/**
 * The branch that a command is about: the one that was named, else the one that is checked out.
 *
 * @throws UsageError for the default branch
 */
export function otherBranch({ branch }: OpenBranches, name: string | undefined): string {
  const chosen = name ?? branch.name
  if (chosen !== branch.defaultBranch) return chosen
  throw new UsageError(
    `expected a branch other than ${branch.defaultBranch}, which is the default branch`,
    'Name another branch; `handcar branch list` shows those that have a database.',
  )
}

/** The argument that {@link otherBranch} reads. */
export const nameArgument = {
  name: 'name',
  description: 'a branch (default: the one that is checked out)',
  optional: true,
}
