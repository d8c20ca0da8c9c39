import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { userInfo } from 'node:os'
import type { Replica } from '../../src/backup/index.ts'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { childrenOf } from './processes.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { waitUntil } from './wait-until.ts'

/** A place for backups, started by a test and ended with the block that declared it. */
export interface BackupTarget extends AsyncDisposable {
  readonly replica: Replica
  /** Variables that Litestream needs to reach it. */
  readonly environment: Record<string, string>
  /** It takes connections and answers nothing, or goes on. */
  freeze(): void
  thaw(): void
}

const installed = resolve(import.meta.dirname, '../../node_modules/.cache/s3rver')
const bucket = 'backups'

/** The kinds of targets, each with why it cannot be had here (`false` when it can) and what starts it. */
export const backupTargets = {
  folder: { isMissing: false as false | string, start: folderTarget },
  s3: { isMissing: missingS3(), start: s3Target },
  sftp: { isMissing: missingSftp(), start: sftpTarget },
}

function missingS3(): false | string {
  if (existsSync(join(installed, 'node_modules/s3rver'))) return false
  return 'there is no S3 server; `node scripts/install-s3rver.ts` installs one'
}

function missingSftp(): false | string {
  return !existsSync('/usr/sbin/sshd') && 'there is no /usr/sbin/sshd (Debian: openssh-server)'
}

async function folderTarget(): Promise<BackupTarget> {
  const folder = temporaryFolder()
  return {
    replica: { type: 'folder', path: folder.file('replica') },
    environment: {},
    freeze: () => {},
    thaw: () => {},
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  }
}

async function s3Target(): Promise<BackupTarget> {
  const folder = temporaryFolder()
  const child = Child.start('s3-server-process', {
    installed,
    folder: folder.file('objects'),
    bucket,
  })
  const { port } = await child.next<{ port: number }>()
  return {
    replica: { type: 's3', bucket, path: 'app', endpoint: `http://127.0.0.1:${port}` },
    environment: { LITESTREAM_ACCESS_KEY_ID: 'S3RVER', LITESTREAM_SECRET_ACCESS_KEY: 'S3RVER' },
    freeze: () => child.signal('SIGSTOP'),
    thaw: () => child.signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await child.kill()
      folder[Symbol.dispose]()
    },
  }
}

async function sftpTarget(): Promise<BackupTarget> {
  const folder = temporaryFolder()
  const keys = ['host', 'user'].map((name) => newKey(folder.file(name)))
  writeFileSync(folder.file('authorized'), keys[1]!)
  mkdirSync('/run/sshd', { recursive: true })
  mkdirSync(folder.file('replica'))
  const port = await freePort()
  writeFileSync(
    folder.file('config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder.file('host')}
PidFile none
AuthorizedKeysFile ${folder.file('authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
`,
  )
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', folder.file('config')], { stdio: 'ignore' })
  await waitUntil('sshd listens', () => isListening(port))
  return {
    replica: {
      type: 'sftp',
      host: '127.0.0.1',
      port,
      user: userInfo().username,
      keyPath: folder.file('user'),
      path: folder.file('replica'),
    },
    environment: {},
    freeze: () => signalAll(server, 'SIGSTOP'),
    thaw: () => signalAll(server, 'SIGCONT'),
    async [Symbol.asyncDispose]() {
      signalAll(server, 'SIGKILL')
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
      folder[Symbol.dispose]()
    },
  }
}

function newKey(path: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  return readFileSync(`${path}.pub`, 'utf8')
}

/** A connection has processes of its own, which outlive the server. */
function signalAll({ pid }: ChildProcess, name: NodeJS.Signals): void {
  for (const each of [pid!, ...descendantsOf(pid!)]) {
    try {
      process.kill(each, name)
    } catch {
      // It has ended.
    }
  }
}

function descendantsOf(parent: number): number[] {
  return childrenOf(parent, '').flatMap((pid) => [pid, ...descendantsOf(pid)])
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
