import type { Database } from '../../database/index.ts'
import { deleteOldMarkers, insertMarker } from './sql.ts'

/** A row that was written to be found in what is restored. */
export interface Marker {
  id: number
  /** When it was committed, in milliseconds since 1970. */
  at: number
}

/** How many markers are kept. */
const kept = 100

/** Commits a marker. */
export async function writeMarker(database: Database): Promise<Marker> {
  const id = await database.write(
    (tx) => {
      const { lastInsertRowid } = tx.run(insertMarker, [Date.now()])
      tx.run(deleteOldMarkers, [Number(lastInsertRowid) - kept])
      return Number(lastInsertRowid)
    },
    { label: 'handcar.backup.marker' },
  )
  return { id, at: Date.now() }
}
