/**
 * Looks whether the database is consistent, while the app runs or afterwards, and prints what it found as JSON. Exits with 1 when
 * anything is wrong.
 *
 *     npm run --silent audit
 */
import { loadConfig } from 'handcar'
import { audit, isConsistent } from '../src/database/audit.ts'

const report = await audit((await loadConfig(`${import.meta.dirname}/..`)).database.path)
console.log(JSON.stringify(report, null, 2))
process.exitCode = isConsistent(report) ? 0 : 1
