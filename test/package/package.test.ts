import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { waitUntil } from '../helpers/wait-until.ts'

/** The package as its users get it: packed, unpacked under `node_modules`, run as JavaScript and type-checked. */
const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
let folder: string

const program = `
import { Database, sql } from 'handcar/database'
import { kysely } from 'handcar/kysely'
import { temporaryDatabase } from 'handcar/testing'
import { defineConfig, HandcarError } from 'handcar'
import { Server } from 'handcar/server'
import { Supervisor } from 'handcar/supervisor'

const parts = [defineConfig({ processes: { web: 1 } }), Server, Supervisor]
const database: Database = await temporaryDatabase()
await database.run(sql\`create table posts (id integer primary key, title text) strict\`)
const db = kysely<{ posts: { id: number; title: string } }>(database)
await db.insertInto('posts').values({ id: 1, title: 'packed' }).execute()
const rows: { title: string }[] = await database.query<{ title: string }>('select title from posts')
console.log(rows[0]?.title, await database.run('nonsense').catch((error) => error instanceof HandcarError), parts.length)
await database.stop()
`

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handcar-package-'))
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
  await mkdir(join(folder, 'node_modules/handcar'), { recursive: true })
  await run('sh', ['-c', 'tar -xzf handcar-*.tgz --strip-components=1 -C node_modules/handcar'], {
    cwd: folder,
  })
  await mkdir(join(folder, 'node_modules/@hono'))
  for (const dependency of [...Object.keys(dependencies), 'kysely', '@types', 'undici-types']) {
    await symlink(join(root, 'node_modules', dependency), join(folder, 'node_modules', dependency))
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(folder, 'program.ts'), program)
})

after(() => rm(folder, { recursive: true, force: true }))

test('runs from node_modules, where Node takes JavaScript only', async () => {
  const { stdout } = await run(process.execPath, ['program.ts'], { cwd: folder })
  assert.equal(stdout, 'packed false 3\n')
})

test('its command starts an app, releases it and stops it', async () => {
  await mkdir(join(folder, 'src'))
  await writeFile(
    join(folder, 'src/app.ts'),
    "export default { fetch: () => new Response('packed' as string) }",
  )
  const environment = { ...process.env, HANDCAR_ALLOW_VOLATILE_DATA: '1', PORT: '0', WEB_CONCURRENCY: '1' }
  const command = join(folder, 'node_modules/handcar/dist/cli/main.js')
  const handcar = (...words: string[]) =>
    run(process.execPath, [command, ...words], { cwd: folder, env: environment })
  const app = handcar('start')
  const status = async () =>
    JSON.parse((await handcar('status', '--json')).stdout) as { state: string; address: string }
  await waitUntil('it runs', () =>
    status().then(
      ({ state }) => state === 'running',
      () => false,
    ),
  )
  const { address } = await status()
  assert.equal(await (await fetch(address)).text(), 'packed')
  await handcar('reload')
  assert.equal(await (await fetch(address)).text(), 'packed')
  await handcar('stop')
  await app
})

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const) {
  test(`its types are understood with moduleResolution ${moduleResolution}`, async () => {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2024',
      strict: true,
      noEmit: true,
      types: ['node'],
      lib: ['es2024', 'esnext.disposable'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
    await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder]).catch((error: { stdout: string }) =>
      assert.fail(error.stdout),
    )
  })
}
