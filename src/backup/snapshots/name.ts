import { OptionsError } from '../../core/index.ts'

/** No capitals: on some disks `Before` and `before` are one file. No dot first: those are files that are being made. */
const pattern = /^[a-z0-9][a-z0-9._-]{0,79}$/

/**
 * Checks the name of a snapshot, which is the name of its file.
 *
 * @throws OptionsError `HANDCAR_SNAPSHOT_NAME`
 */
export function checkName(name: string): string {
  if (pattern.test(name)) return name
  const got = name.length > 80 ? `a text of ${name.length} characters` : JSON.stringify(name)
  throw new OptionsError('HANDCAR_SNAPSHOT_NAME', `Expected the name of a snapshot, got ${got}`)
}

/** The name of a snapshot that nobody has named: the moment, in UTC, and why it was made. */
export function nameFor(at: number, reason: string, taken: ReadonlySet<string>): string {
  const time = new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  const name = `${time}-${reason}`
  for (let count = 2; ; count++) {
    const candidate = count === 2 && !taken.has(name) ? name : `${name}-${count}`
    if (!taken.has(candidate)) return candidate
  }
}
