import { readFile, stat } from 'node:fs/promises'

/** What a log belongs to: a file, and a run of the machine. */
export interface Origin {
  /** What the file is known by as long as it is the same one: a restored or copied file is another. Not so one that was overwritten in place. */
  readonly file: string
  /** Another one after each start of the machine; `null` where the system does not tell. */
  readonly boot: string | null
}

/** The origin of now. */
export async function originOfNow(path: string): Promise<Origin> {
  const { ino, birthtimeNs } = await stat(path, { bigint: true })
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null)
  return { file: `${ino}.${birthtimeNs}`, boot: boot?.trim() ?? null }
}
