import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/**
 * Runs the documentation. The TypeScript blocks of a page are one program, run in an empty folder that holds the files which
 * the page shows (`-- path` in the first line of an SQL block); what `console.log(…) // …` says it prints must be what it
 * prints. A block of `tsx` is a module of its own, for a process or an app that the page cannot be: it is type-checked. Others
 * import it by the path in its first line (`// src/channels.ts`).
 */
const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** Pages other than the database's use the table that it creates. */
const postsMigrationText = await readFile(join(root, 'docs/parts/database.md'), 'utf8')
const postsMigration = blocksOf(postsMigrationText, 'sql')[0]!

const pages = await findPages()

for (const page of pages) {
  const text = await readFile(page, 'utf8')
  const program = blocksOf(text, 'ts').join('\n')
  const modules = blocksOf(text, 'tsx')
  if (program === '' && modules.length === 0) continue
  test(relative(root, page), async () => {
    const folder = await mkdtemp(join(root, 'test/package/.docs-'))
    try {
      for (const file of [...blocksOf(text, 'sql'), postsMigration]) await writeShownFile(folder, file)
      await writeFile(join(folder, 'page.ts'), program)
      await writeModules(join(folder, 'src'), modules)
      await checkTypes(folder)
      if (program === '') return
      const { stdout } = await run(process.execPath, ['--conditions=handcar-source', 'page.ts'], {
        cwd: folder,
        timeout: 60_000,
      })
      assert.deepEqual(stdout.split('\n').filter(Boolean), expectedOutput(program))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}

async function findPages(): Promise<string[]> {
  const docs = await readdir(join(root, 'docs'), { recursive: true })
  return ['README.md', ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file))].map(
    (file) => join(root, file),
  )
}

function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1]!,
  )
}

async function writeShownFile(folder: string, content: string): Promise<void> {
  const path = join(folder, /^-- (\S+)/.exec(content)![1]!)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

async function writeModules(folder: string, modules: readonly string[]): Promise<void> {
  await mkdir(folder)
  for (const [index, module] of modules.entries()) {
    const name = /^\/\/ src\/([\w-]+\.ts)$/m.exec(module)?.[1]
    if (name !== undefined) await writeFile(join(folder, name), module)
    await writeFile(join(folder, `module-${index}.tsx`), module)
  }
}

async function checkTypes(folder: string): Promise<void> {
  const config = {
    extends: join(root, 'tsconfig.json'),
    include: ['*.ts', 'src/*.tsx', join(root, 'src/**/*.d.ts')],
    compilerOptions: { noUnusedLocals: false },
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder], { cwd: folder }).catch(
    (error: { stdout: string }) => {
      assert.fail(`the example does not type-check:\n${error.stdout}`)
    },
  )
}

/** The comment behind `console.log(…)`, or behind a callback that logs. */
function expectedOutput(program: string): string[] {
  return [...program.matchAll(/console\.log\(.*\)[,)]* *\/\/ (.*)$/gm)]
    .map((match) => match[1]!)
    .filter((expected) => !expected.startsWith('however many'))
}
