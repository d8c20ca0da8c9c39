import { stat } from 'node:fs/promises'

/**
 * What a file is known by as long as it is the same one: a restored or copied file is another, whatever it contains. Not so a file into
 * which a backup was written in place.
 */
export async function fileIdentity(path: string): Promise<string> {
  const { ino, birthtimeNs } = await stat(path, { bigint: true })
  return `${ino}.${birthtimeNs}`
}
