import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const source = resolve(import.meta.dirname, '../../src')

/** The folders of `src`, from the left to the right: a layer imports only to its left. */
const layers = [
  ['core'],
  ['database'],
  [
    'jobs',
    'cache',
    'realtime',
    'storage',
    'search',
    'metrics',
    'backup',
    'branches',
    'tenants',
    'transfer',
    'kysely',
  ],
  ['server', 'supervisor', 'dashboard'],
  ['app'],
  ['cli'],
]
/** May import anything; is imported by nothing. */
const outside = ['testing', 'index.ts']
/** What a file may import from outside of `src` and of Node, by folder or file. */
const packages: Record<string, string[]> = {
  'database/driver.ts': ['better-sqlite3'],
  'jobs/recurring/schedule.ts': ['croner'],
  kysely: ['kysely'],
  // For development only: the build leaves a file.
  'realtime/client-file.ts': ['esbuild'],
  'server/fetch-listener.ts': ['@hono/node-server'],
  'server/static-files.ts': ['sirv'],
  'server/compression.ts': ['compression'],
  'realtime/websocket/gate.ts': ['ws'],
  'realtime/websocket/handshake.ts': ['ws'],
  'realtime/websocket/web-socket.ts': ['ws'],
  'realtime/websocket/websocket-transport.ts': ['ws'],
  'app/logger.ts': ['pino'],
  cli: ['commander'],
}

interface Import {
  file: string
  /** The folder of `src` that the file is in, or its name when it is in none. */
  part: string
  specifier: string
  /** Path in `src`, for a relative import. */
  target: string | undefined
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'),
)
const read = (file: string): string => readFileSync(join(source, file), 'utf8')
const partOf = (path: string): string => path.split('/')[0]!
const imports: Import[] = files.flatMap((file) =>
  [...withoutComments(read(file)).matchAll(/(?<!')\b(?:from|import|import\()\s*'([^']+)'/g)].map(
    ([, specifier]) => ({
      file,
      part: partOf(file),
      specifier: specifier!,
      target: specifier!.startsWith('.')
        ? relative(source, resolve(source, dirname(file), specifier!))
        : undefined,
    }),
  ),
)
const layerOf = (part: string): number => layers.findIndex((parts) => parts.includes(part))
const described = ({ file, specifier }: Import): string => `${file} imports ${specifier}`

/** An example in a comment imports nothing. */
function withoutComments(text: string): string {
  return text.replaceAll(/^ *\/?\*.*$/gm, '')
}

test('there are imports to look at', () => {
  assert.ok(imports.length > 100)
})

test('every folder of src has its place in the layers', () => {
  const parts = new Set(files.map(partOf))
  assert.deepEqual(
    [...parts].filter((part) => layerOf(part) === -1 && !outside.includes(part)),
    [],
  )
})

test('a layer imports only to its left, and parts import one another nowhere', () => {
  const wrong = imports.filter(({ part, target }) => {
    if (target === undefined || outside.includes(part) || partOf(target) === part) return false
    return outside.includes(partOf(target)) || layerOf(partOf(target)) >= layerOf(part)
  })
  assert.deepEqual(wrong.map(described), [])
})

test('another part is entered through its index.ts only', () => {
  const wrong = imports.filter(
    ({ part, target }) =>
      target !== undefined && partOf(target) !== part && !/^[a-z]+\/index\.ts$/.test(target),
  )
  assert.deepEqual(wrong.map(described), [])
})

test('packages are imported by the few files that may; core knows nothing but Node', () => {
  const wrong = imports.filter(({ file, part, specifier, target }) => {
    if (target !== undefined || specifier.startsWith('node:')) return false
    return !(packages[file] ?? packages[part] ?? []).includes(specifier)
  })
  assert.deepEqual(wrong.map(described), [])
})

test('only the command line and the configuration of the app read the environment', () => {
  const readers = files.filter((file) => /process\.env\b|process\['env'\]/.test(read(file)))
  assert.deepEqual(
    readers.filter((file) => partOf(file) !== 'cli' && file !== 'app/config.ts'),
    [],
  )
})

test('nothing in src imports a test', () => {
  assert.deepEqual(
    imports.filter(({ specifier }) => /\.test\.ts$|\/test\//.test(specifier)).map(described),
    [],
  )
})
