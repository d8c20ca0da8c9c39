import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { start, type REPLServer } from 'node:repl'

/**
 * Runs Node's REPL until its user leaves. It shares its globals with handcar, so that an array made in it is an array for
 * handcar too.
 */
export async function runRepl(environment: NodeJS.ProcessEnv): Promise<void> {
  const server = start({ prompt: 'handcar> ', useGlobal: true })
  const left = once(server, 'exit')
  if (process.stdin.isTTY) await remember(server, historyFile(environment))
  await left
}

/** https://specifications.freedesktop.org/basedir-spec/latest: history belongs into the state folder. */
export function historyFile({ XDG_STATE_HOME, HOME = homedir() }: NodeJS.ProcessEnv): string {
  return join(XDG_STATE_HOME || join(HOME, '.local/state'), 'handcar/console-history')
}

/** A history that cannot be kept is no reason not to work. */
async function remember(server: REPLServer, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true }).catch(() => {})
  await new Promise<void>((resolve) => server.setupHistory(file, () => resolve()))
}
