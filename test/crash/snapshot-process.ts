import { DatabaseSync } from 'node:sqlite'

/** A stranger that reads the database in its first argument and keeps its snapshot until its input ends. */

const database = new DatabaseSync(JSON.parse(process.argv[2]!) as string)
process.stdin.on('end', () => process.exit()).resume()
database.exec('begin; select count(*) from sqlite_schema')
process.stdout.write('reading\n')
