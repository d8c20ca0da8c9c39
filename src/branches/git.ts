import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HandcarError } from '../core/index.ts'

/**
 * Reads what git knows from its own files (https://git-scm.com/docs/gitrepository-layout), without running git: it takes no time, and
 * needs neither the program nor its opinion on who owns the folder.
 */
export interface GitCheckout {
  /** The branch that is checked out; `HEAD` when none is, as on a tag. */
  current: string
  /** The branch that the others come from. */
  default: string
  /** All branches. */
  branches: ReadonlySet<string>
}

/** What a checkout is called that is on no branch. Git lets no branch have that name. */
const detached = 'HEAD'

/**
 * Reads the checkout that a folder belongs to.
 *
 * @throws HandcarError `HANDCAR_BRANCH_NOT_FOUND` when there is none, or when it keeps its branches in a way that is not known
 */
export function readCheckout(folder: string): GitCheckout {
  const own = findGit(folder)
  // A worktree shares all but its HEAD with others.
  const common = resolve(own, read(join(own, 'commondir')) ?? '.')
  const branches = new Set([...looseBranches(join(common, 'refs/heads')), ...packedBranches(common)])
  const current = currentBranch(own)
  return { current, default: defaultBranch(common, branches, current), branches }
}

function findGit(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const git = join(at, '.git')
    if (existsSync(git)) return statSync(git).isDirectory() ? git : linked(git)
    if (at === dirname(at)) throw notFound(`Expected a git checkout, got ${folder}`)
  }
}

/** In a worktree or submodule `.git` is a file that says where the folder is. */
function linked(file: string): string {
  const [, path] = /^gitdir: (.+)$/m.exec(read(file) ?? '') ?? []
  if (path !== undefined) return resolve(dirname(file), path)
  throw notFound(`Expected "gitdir: <path>" in ${file}`)
}

function currentBranch(git: string): string {
  const head = read(join(git, 'HEAD')) ?? ''
  const branch = branchIn(head.replace(/^ref: /, ''))
  if (branch === '.invalid') throw notFound(`The branches of ${git} are in a reftable, which cannot be read`)
  return branch ?? rebasedBranch(git) ?? detached
}

/** A rebase or a bisection leaves the branch for a while; its data stay those of the branch. */
function rebasedBranch(git: string): string | undefined {
  const files = ['rebase-merge/head-name', 'rebase-apply/head-name']
  const rebased = files.map((file) => branchIn(read(join(git, file)) ?? '')).find(Boolean)
  const bisected = read(join(git, 'BISECT_START'))
  return rebased ?? (bisected && !/^[0-9a-f]{40,64}$/.test(bisected) ? bisected : undefined)
}

function defaultBranch(common: string, branches: ReadonlySet<string>, current: string): string {
  const [, remote] =
    /^ref: refs\/remotes\/origin\/(.+)$/.exec(read(join(common, 'refs/remotes/origin/HEAD')) ?? '') ?? []
  if (remote !== undefined && branches.has(remote)) return remote
  const usual = ['main', 'master', 'trunk'].find((name) => branches.has(name))
  if (usual !== undefined) return usual
  const [only = current] = branches
  return branches.size <= 1 ? only : 'main'
}

const branchIn = (ref: string): string | undefined => /^refs\/heads\/(.+)$/.exec(ref)?.[1]

function looseBranches(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.endsWith('.lock') && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile(),
  )
}

function packedBranches(common: string): string[] {
  const lines = (read(join(common, 'packed-refs')) ?? '').split('\n')
  return lines.flatMap((line) => branchIn(line.split(' ')[1] ?? '') ?? [])
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function notFound(message: string): HandcarError {
  return new HandcarError('HANDCAR_BRANCH_NOT_FOUND', message)
}
