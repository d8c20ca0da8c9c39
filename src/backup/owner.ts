import { chownSync, statSync } from 'node:fs'

/**
 * Gives a file or folder to the owner of another one, when this process may: a command that root has run would otherwise leave
 * behind what the app's own user can neither read nor replace.
 */
export function giveToOwnerOf(like: string, path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(like)
  chownSync(path, uid, gid)
}
