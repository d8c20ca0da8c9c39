import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { link, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FolderReplica, S3Replica } from 'handcar/backup'
import { endWithUs } from '../harness/child.ts'

/** Where something is replicated to. */
export interface Place extends AsyncDisposable {
  readonly replica: FolderReplica | S3Replica
  /** The keys that Litestream needs to reach it. */
  readonly environment: Readonly<Record<string, string>>
  /** Keeps everything that is there at this moment, and tells where; what Litestream does afterwards does not change it. */
  keep(): Promise<FolderReplica | S3Replica>
}

/** The kinds of places. */
export type PlaceKind = 'folder' | 's3'

const s3Installation = fileURLToPath(new URL('../../node_modules/.cache/s3rver', import.meta.url))
const s3Process = fileURLToPath(new URL('../../test/helpers/s3-server-process.ts', import.meta.url))

/** Why there is no S3 server here; `undefined` where there is one. */
export function s3IsMissing(): string | undefined {
  return existsSync(s3Installation) ? undefined : 'no S3 server (node scripts/install-s3rver.ts)'
}

/** Makes an empty place within a folder. */
export async function makePlace(kind: PlaceKind, folder: string): Promise<Place> {
  return kind === 'folder' ? makeFolder(folder) : await makeBucket(folder)
}

function makeFolder(folder: string): Place {
  let kept = 0
  const path = join(folder, 'replica')
  return {
    replica: { type: 'folder', path },
    environment: {},
    async keep() {
      const copy = join(folder, `kept-${++kept}`)
      await keepFiles(path, copy)
      return { type: 'folder', path: copy }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** s3rver, a small server in JavaScript, in a process of its own. A bucket is a folder of it. */
async function makeBucket(folder: string): Promise<Place> {
  let kept = 0
  const root = join(folder, 'buckets')
  const settings = { installed: s3Installation, folder: root, bucket: 'replica' }
  const child = fork(s3Process, [JSON.stringify(settings)])
  endWithUs(child)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const replica = {
    type: 's3',
    bucket: 'replica',
    path: 'bench',
    endpoint: `http://127.0.0.1:${port}`,
  } as const
  return {
    replica,
    environment: { LITESTREAM_ACCESS_KEY_ID: 'S3RVER', LITESTREAM_SECRET_ACCESS_KEY: 'S3RVER' },
    async keep() {
      const bucket = `kept-${++kept}`
      await keepFiles(join(root, 'replica'), join(root, bucket))
      return { ...replica, bucket }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/**
 * Links every file: Litestream and the server give a file its name when it is whole, and never write to it again. One that is gone
 * between the look into its folder and the link had a name for the moment only.
 */
async function keepFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await keepFiles(source, copy)
    else if (!entry.name.endsWith('.tmp')) await linkIfThere(source, copy)
  }
}

async function linkIfThere(source: string, copy: string): Promise<void> {
  try {
    await link(source, copy)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
