import type { Command, CommandGroup } from './command.ts'

/** Where each command is; in the order in which they are listed. Only the one that was asked for is loaded. */
const files = {
  start: () => import('./commands/start.ts'),
  dev: () => import('./commands/dev.ts'),
  reload: () => import('./commands/reload.ts'),
  stop: () => import('./commands/stop.ts'),
  status: () => import('./commands/status.ts'),
  config: () => import('./commands/config.ts'),
  migrate: () => import('./commands/migrate.ts'),
  backup: () => import('./commands/backup.ts'),
  snapshot: () => import('./commands/snapshot.ts'),
  restore: () => import('./commands/restore.ts'),
  branch: () => import('./commands/branch.ts'),
  jobs: () => import('./commands/jobs.ts'),
  cache: () => import('./commands/cache.ts'),
  realtime: () => import('./commands/realtime.ts'),
  console: () => import('./commands/console.ts'),
  db: () => import('./commands/db.ts'),
  doctor: () => import('./commands/doctor.ts'),
  'deploy:files': () => import('./commands/deploy-files.ts'),
} satisfies Record<string, () => Promise<{ command: Command | CommandGroup }>>

/** The names of all commands. */
export const commandNames: readonly string[] = Object.keys(files)

/** Loads one command; `undefined` when there is none of that name. */
export async function loadCommand(name: string): Promise<Command | CommandGroup | undefined> {
  return Object.hasOwn(files, name) ? (await files[name as keyof typeof files]()).command : undefined
}

/** Loads all commands. */
export async function loadCommands(): Promise<(Command | CommandGroup)[]> {
  return Promise.all(
    Object.values(files).map(async (load): Promise<Command | CommandGroup> => (await load()).command),
  )
}
