import type { Database } from './database.ts'

/** What is refused at once throws inside a transaction, which it is to roll back, and rejects outside. */
export function refuse<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  try {
    return work()
  } catch (error) {
    if (database.state === 'started' && database.transaction !== undefined) throw error
    return Promise.reject(error)
  }
}
