import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { MigrateAction } from './action.ts'
import { openReadOnly } from './database.ts'

/** `handcar migrate dump` */
export const dump: MigrateAction = async ({ output }, config, { stdout }) => {
  await using database = await openReadOnly(config)
  const schema = `${database.schema().trim()}\n`
  if (stdout) {
    process.stdout.write(schema)
    return
  }
  const path = join(config.folder, 'db/schema.sql')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, schema)
  output.line(relative(process.cwd(), path))
}
