import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { UsageError } from '../usage-error.ts'
import type { MigrateAction } from './action.ts'

/** `handcar migrate create` */
export const create: MigrateAction = async ({ output }, config, _options, name) => {
  const words = (name ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
  if (words === '') {
    const got = name === undefined ? 'nothing' : `"${name}"`
    throw new UsageError(
      `migrate create: expected what the migration does, got ${got}`,
      'Name it: `handcar migrate create "add authors"`.',
    )
  }
  const folder = config.database.migrations ?? join(config.folder, 'db/migrations')
  const time = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const path = join(folder, `${time}_${words}.sql`)
  await mkdir(folder, { recursive: true })
  await writeFile(path, template, { flag: 'wx' })
  output.line(relative(process.cwd(), path))
}

const template = `-- Runs once, in a transaction of its own; foreign keys are checked before it commits.
-- The code of the last release still works on the database meanwhile: add now, remove in a later release.
--
--   alter table posts add column published_at integer;
--   create index posts_for_front_page on posts (published_at desc);

`
