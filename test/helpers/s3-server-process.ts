import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

/** s3rver with one bucket, in a process of its own, so that a test can freeze it. Says its port. */

const { installed, folder, bucket } = JSON.parse(process.argv[2]!) as Record<
  'installed' | 'folder' | 'bucket',
  string
>
const require = createRequire(join(installed, 'package.json'))

interface Listing {
  objects: { key: string }[]
  commonPrefixes: string[]
  isTruncated: boolean
}
interface ListOptions {
  delimiter?: string
  prefix?: string
  maxKeys?: number
}
type List = (bucket: string, options: ListOptions) => Promise<Listing>

interface StoredObject {
  bucket: string
  key: string
  metadata: object
  content: Buffer | Readable
}
interface FileStore {
  listObjects: List
  putObject: (object: StoredObject) => Promise<{ size: number; md5: string }>
  getResourcePath: (bucket: string, key: string, kind: 'object') => string
  putMetadata: (bucket: string, key: string, metadata: object, md5: string) => Promise<void>
}

const Store = require('s3rver/lib/stores/filesystem') as { prototype: FileStore }
const listAll = Store.prototype.listObjects

/** s3rver leaves out a common prefix whose children are folders only, so that `generations/` of a replica looks empty. */
Store.prototype.listObjects = async function (name, options) {
  const { delimiter, prefix = '', maxKeys = Infinity } = options
  if (!delimiter) return await listAll.call(this, name, options)
  const all = await listAll.call(this, name, { ...options, delimiter: '', maxKeys: Infinity })
  const prefixes = new Set<string>()
  const objects = all.objects.filter(({ key }) => {
    const at = key.indexOf(delimiter, prefix.length)
    if (at !== -1) prefixes.add(key.slice(0, at + delimiter.length))
    return at === -1
  })
  const isTruncated = prefixes.size > maxKeys
  return { objects, commonPrefixes: [...prefixes].toSorted().slice(0, maxKeys), isTruncated }
}

/** s3rver says that it has an object before its file is written, and keeps half of one whose upload was broken off. */
Store.prototype.putObject = async function ({ bucket: name, key, metadata, content }) {
  const bytes = Buffer.isBuffer(content) ? content : await buffer(content)
  const path = this.getResourcePath(name, key, 'object')
  const written = join(folder, `upload-${randomUUID()}`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(written, bytes)
  await rename(written, path)
  const md5 = createHash('md5').update(bytes).digest('hex')
  await this.putMetadata(name, key, metadata, md5)
  return { size: bytes.length, md5 }
}

const S3rver = require('s3rver') as new (options: object) => { run(): Promise<{ port: number }> }
mkdirSync(folder, { recursive: true })
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory: folder,
  configureBuckets: [{ name: bucket }],
})
process.on('disconnect', () => process.exit())
process.send!({ port: (await server.run()).port })
