import type { Database } from '../../database/index.ts'
import { deleteOldMarkers, insertMarker } from './sql.ts'

/** A row that was written to be found in what is restored. */
export interface Marker {
  id: number
  /** What stands in it. After going back in time an id is given again, in another history; the two together are not. */
  writtenAt: number
  /** When it was committed, in milliseconds since 1970. */
  at: number
}

/** How many markers are kept. */
const kept = 100

/** Commits a marker. */
export async function writeMarker(database: Database): Promise<Marker> {
  const writtenAt = Date.now()
  const id = await database.write(
    (tx) => {
      const { lastInsertRowid } = tx.run(insertMarker, [writtenAt])
      tx.run(deleteOldMarkers, [Number(lastInsertRowid) - kept])
      return Number(lastInsertRowid)
    },
    { label: 'handcar.backup.marker' },
  )
  return { id, writtenAt, at: Date.now() }
}
