import { readdir, readFile, readlink } from 'node:fs/promises'

/** A process that listens on a port. */
export interface PortHolder {
  pid: number
  /** Its command line, as far as it may be read. */
  command: string
}

/** State `LISTEN` in `/proc/net/tcp`. */
const listening = '0A'

/**
 * Finds the process that listens on a TCP port: Linux names the inode of each listening socket, and each process of this user
 * its open files. `undefined` where that does not tell: on other systems, for processes of other users, in other
 * containers. Looks at every process of the machine: for errors and reports.
 */
export async function holderOfPort(port: number): Promise<PortHolder | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(read))
  const sockets = new Set(
    tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`),
  )
  if (sockets.size === 0) return undefined
  for (const pid of (await list('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (await holdsOneOf(sockets, pid)) return { pid: Number(pid), command: await commandOf(pid) }
  }
  return undefined
}

/** A line reads `0: 0100007F:0BB8 00000000:0000 0A … uid timeout inode`. */
function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === listening && local!.endsWith(suffix))
    .map((fields) => fields[9]!)
}

async function holdsOneOf(sockets: ReadonlySet<string>, pid: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const links = (await list(folder)).map((descriptor) => readlink(`${folder}/${descriptor}`).catch(() => ''))
  return (await Promise.all(links)).some((link) => sockets.has(link))
}

async function commandOf(pid: string): Promise<string> {
  return (await read(`/proc/${pid}/cmdline`)).split('\0').join(' ').trim().slice(0, 120)
}

/** Processes end and belong to others while this looks at them: what cannot be read says nothing. */
const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')
