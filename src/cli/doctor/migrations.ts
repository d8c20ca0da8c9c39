import { readMigrationStatus } from '../../database/index.ts'
import { error, ok, warning, type Check } from './finding.ts'
import { isClosedFolder } from './system-file.ts'

/** The app's migrations against what the database remembers. */
export const migrations: Check = {
  name: 'migrations',
  async run({ inspector, migrationsFolder, databaseProblem, dataFolder }) {
    if (migrationsFolder === undefined) return [ok('the app has no migrations')]
    if (databaseProblem !== undefined || isClosedFolder(dataFolder)) return []
    if (inspector === undefined) return [ok('they will be applied when the first start makes the database')]
    const { pending, unknown, changed } = await readMigrationStatus(inspector, migrationsFolder)
    const findings = [
      ...unknown.map((name) =>
        error({
          what: `the database has a migration that the code does not: ${name}`,
          why: 'The code is older than the database, so it refuses to start.',
          fix: 'Deploy the release that brought it, or restore a backup from before.',
        }),
      ),
      ...changed.map((name) =>
        error({
          what: `the migration ${name} was edited after it had been applied`,
          why: 'Databases that were made before and after are not the same, so the app refuses to start.',
          fix: 'Restore the file as it was applied, and put the change into a new migration.',
        }),
      ),
    ]
    if (pending.length > 0) {
      findings.push(
        warning({
          what: `not applied yet: ${pending.join(', ')}`,
          why: 'The code may expect tables and columns that are not there yet.',
          fix: 'They are applied by the next `handcar start` or `handcar reload`, or now by `handcar migrate`.',
        }),
      )
    }
    return findings.length > 0 ? findings : [ok('all are applied')]
  },
}
