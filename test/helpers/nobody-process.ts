import { Database } from '../../src/database/index.ts'

/** Tries to start a database as a user without any rights, and tells how that failed. */
const { path } = JSON.parse(process.argv[2]!) as { path: string }
const nobody = 65_534
process.setgroups!([])
process.setgid!(nobody)
process.setuid!(nobody)
const database = new Database({ path })
try {
  await database.start()
  process.send!('started')
} catch (error) {
  const { code, name } = error as { code: string; name: string }
  process.send!({ code, name })
}
