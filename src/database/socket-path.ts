import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The longest path that a unix socket may have, on every system that Node runs on. */
const longestPath = 100

/**
 * Where the coordinator of a database listens: beside the file, or in the folder for temporary files when the path would
 * be too long for a socket.
 *
 * @param path Absolute path of the database.
 */
export function socketPath(path: string): string {
  const beside = `${path}.coordinator`
  if (Buffer.byteLength(beside) <= longestPath) return beside
  return join(tmpdir(), `handcar-${createHash('sha256').update(path).digest('hex').slice(0, 24)}.coordinator`)
}
