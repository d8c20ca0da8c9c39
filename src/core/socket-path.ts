import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'

/** The longest path that a unix socket may have, on every system that Node runs on. */
const longestPath = 100

/**
 * Where a unix socket is made: at the path that is wished for, or in the folder for temporary files when that path would be
 * too long for a socket.
 *
 * @param wished Absolute path.
 */
export function socketPath(wished: string): string {
  if (Buffer.byteLength(wished) <= longestPath) return wished
  const name = createHash('sha256').update(wished).digest('hex').slice(0, 24)
  return join(tmpdir(), `handcar-${name}${extname(wished)}`)
}
