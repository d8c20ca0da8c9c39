import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { openRaw, scalar } from './sqlite.ts'

/** Where the figures were taken. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly fileSystem: string
  /** The load average of the minute before the start: well under 0.5 on a quiet machine. */
  readonly loadBefore: number
}

/** What was measured. */
export type Versions = Readonly<Record<string, string>>

const repository = fileURLToPath(new URL('../..', import.meta.url))
const fileSystems: Record<number, string> = {
  0xef53: 'ext4',
  0x9123683e: 'btrfs',
  0x58465342: 'xfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
}

/** Describes this machine; `folder` lies on the disk that is measured. */
export function describeMachine(folder: string): Machine {
  const type = statfsSync(folder).type
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1024 ** 3),
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: fileSystems[type] ?? `0x${type.toString(16)}`,
    loadBefore: Math.round(os.loadavg()[0]! * 100) / 100,
  }
}

/** The commit and the versions of everything that takes part in every scenario. */
export function describeVersions(): Versions {
  return {
    handcar: packageVersion('handcar'),
    commit: git('rev-parse', '--short=12', 'HEAD'),
    uncommittedChanges: String(git('status', '--porcelain', '--', 'src', 'bench', 'examples') !== ''),
    node: process.version,
    sqlite: sqliteVersion(),
    'better-sqlite3': packageVersion('better-sqlite3'),
    kysely: packageVersion('kysely'),
  }
}

function packageVersion(name: string): string {
  const manifest = readFileSync(`${repository}node_modules/${name}/package.json`, 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function sqliteVersion(): string {
  const database = openRaw(':memory:')
  try {
    return String(scalar(database, 'select sqlite_version()'))
  } finally {
    database.close()
  }
}

function git(...argv: string[]): string {
  try {
    return execFileSync('git', argv, {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
