import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

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

const Store = require('s3rver/lib/stores/filesystem') as { prototype: { listObjects: List } }
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
