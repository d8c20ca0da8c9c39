import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ResolvedReplica } from '../litestream/replica.ts'
import { ownerName, StoreDenied, storeTimeout, type OwnerStore } from './store.ts'

type Sftp = Extract<ResolvedReplica, { type: 'sftp' }>

/** Beside a replica on another machine, by OpenSSH's `sftp`: a batch of commands, each of which has to succeed. */
export class SftpStore implements OwnerStore {
  readonly #replica: Sftp
  readonly #environment: Readonly<Record<string, string | undefined>>

  constructor(replica: Sftp, environment: Readonly<Record<string, string | undefined>>) {
    this.#replica = replica
    this.#environment = environment
  }

  async read(signal: AbortSignal): Promise<string | undefined> {
    return await inFolder(async (folder) => {
      const copy = join(folder, 'owner')
      const said = await this.#run(signal, folder, [`get ${quote(this.#path)} ${quote(copy)}`])
      if (said === undefined) return await readFile(copy, 'utf8')
      const error = asError(said)
      // A key that is not there is told of by the same words.
      if (!(error instanceof StoreDenied) && /not found|no such file/i.test(said)) return undefined
      throw error
    })
  }

  async write(content: string, signal: AbortSignal): Promise<void> {
    await inFolder(async (folder) => {
      const copy = join(folder, 'owner')
      await writeFile(copy, content, { mode: 0o600 })
      const partial = `${this.#path}.partial`
      // A dash before a command lets it fail: the folder may be there, the old file may not.
      const said = await this.#run(signal, folder, [
        `-mkdir ${quote(this.#replica.path)}`,
        `put ${quote(copy)} ${quote(partial)}`,
        `rename ${quote(partial)} ${quote(this.#path)}`,
      ])
      if (said !== undefined) throw asError(said)
    })
  }

  get #path(): string {
    return `${this.#replica.path}/${ownerName}`
  }

  /** Resolves with what was wrong, if anything was. */
  async #run(signal: AbortSignal, folder: string, commands: string[]): Promise<string | undefined> {
    const { host, port, user, keyPath, hostKey } = this.#replica
    const known = join(folder, 'known_hosts')
    const name = port === 22 ? host : `[${host}]:${port}`
    await writeFile(known, hostKey === undefined ? '' : `${name} ${hostKey}\n`)
    const options = {
      BatchMode: 'yes',
      IdentitiesOnly: 'yes',
      ConnectTimeout: '10',
      UserKnownHostsFile: known,
      StrictHostKeyChecking: hostKey === undefined ? 'no' : 'yes',
    }
    const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
    const args = [
      '-F',
      '/dev/null',
      '-q',
      '-b',
      '-',
      '-i',
      keyPath,
      '-P',
      String(port),
      ...flags,
      `${user}@${host}`,
    ]
    const { PATH, HOME } = this.#environment
    const child = spawn('sftp', args, {
      env: { ...(PATH && { PATH }), ...(HOME && { HOME }) },
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: storeTimeout,
      killSignal: 'SIGKILL',
      signal,
    })
    const exit = once(child, 'exit').catch((error: unknown) => {
      signal.throwIfAborted()
      throw new StoreDenied(`OpenSSH's sftp does not run: ${String(error)}`)
    })
    child.stdin.on('error', () => {})
    child.stdin.end(`${commands.join('\n')}\n`)
    const [said, [code, ended]] = await Promise.all([
      text(child.stderr),
      exit as Promise<[number | null, string]>,
    ])
    return code === 0 ? undefined : said.trim() || `sftp ended with ${ended ?? `exit code ${code}`}`
  }
}

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'handcar-owner-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const asError = (said: string): Error =>
  /permission denied/i.test(said) ? new StoreDenied(said) : new Error(said)
const quote = (path: string): string => `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"`
