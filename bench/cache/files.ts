import { rm } from 'node:fs/promises'
import type { Place } from './store.ts'

/** Removes the file of a store and what SQLite keeps beside it. */
export async function removeFiles({ path }: Place): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '.wake']) await rm(`${path}${suffix}`, { force: true })
}
