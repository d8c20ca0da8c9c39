/**
 * Looks whether the database is consistent, while the app runs or afterwards, and prints what it found as JSON. Exits with 1 when
 * anything is wrong.
 *
 *     npm run --silent audit
 */
import { databasePath, readConfiguration } from '../src/configuration.ts'
import { audit, isConsistent } from '../src/database/audit.ts'

const report = await audit(databasePath(readConfiguration(process.env)))
console.log(JSON.stringify(report, null, 2))
process.exitCode = isConsistent(report) ? 0 : 1
