import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { checkGroups } from '../../src/cli/doctor/index.ts'
import { freePort } from '../helpers/free-port.ts'
import { isAlive } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/**
 * Runs the guide of the first deploy, command by command: its `/srv`, `/etc` and `/usr/local` lie in a temporary folder, and
 * the programs that would change the machine are stand-ins (`deploy-guide-programs/`). `systemctl` starts and reloads what the
 * unit says, so the app really runs, and releases really replace one another.
 */
const guide = readFileSync(join(import.meta.dirname, '../../docs/operations/first-deploy.md'), 'utf8')
const operations = join(import.meta.dirname, '../../docs/operations')
const folder = temporaryFolder()
const root = folder.file('machine')
const app = folder.file('app')
let port: number

before(async () => {
  port = await freePort()
  for (const part of ['srv', 'etc/systemd/system', 'etc/caddy', 'usr/local/bin'])
    mkdirSync(join(root, part), { recursive: true })
  writeFileSync(join(root, 'etc/fstab'), '')
  mkdirSync(join(app, 'src'), { recursive: true })
  writeFileSync(join(app, 'package.json'), '{ "name": "news", "type": "module" }')
  writeFileSync(
    join(app, 'handcar.config.js'),
    `export default { server: { port: ${port} }, processes: { web: 1 } }`,
  )
  writeFileSync(join(app, '.gitignore'), 'node_modules\n')
  git('init', '--quiet')
  commit('one')
})

after(async () => {
  const pid = Number(existsSync(join(root, 'pid')) ? readFileSync(join(root, 'pid'), 'utf8') : 0)
  if (pid > 0 && isAlive(pid)) {
    process.kill(pid, 'SIGTERM')
    await waitUntil('the app has ended', () => !isAlive(pid))
  }
  folder[Symbol.dispose]()
})

test('the machine is prepared', async () => {
  for (const heading of ['The machine', 'A user and its folders']) await follow(heading)
  assert.match(readFileSync(join(root, 'etc/fstab'), 'utf8'), /swap/)
  assert.deepEqual(readdirSync(join(root, 'srv/news')).sort(), ['data', 'env', 'releases'])
})

test('the service is installed and the release script written', async () => {
  await follow('The service')
  await follow('The release script')
  assert.deepEqual(readdirSync(join(root, 'etc/systemd/system')), ['news.service', 'news.socket'])
})

test('the first release serves, and its doctor has no errors', async () => {
  const output = await follow('The first release')
  assert.equal(await page(), 'one')
  assert.match(output, /released \d{14}-[0-9a-f]+/)
  assert.match(output, /\b0 errors/)
  assert.match(output, /web\.1/)
})

test('the proxy is told, and asks the app for its health', async () => {
  assert.match(await follow('HTTPS'), /ok/)
  assert.match(blocks('HTTPS', 'caddy')[0]!, /reverse_proxy 127\.0\.0\.1:3000/)
})

test('the next release replaces the first without a refused request', async () => {
  const requests = requestAllTheTime()
  commit('two')
  await follow('The next release')
  assert.equal(await page(), 'two')
  assert.deepEqual(await requests.stop(), ['one', 'two'])
})

test('a release that does not start leaves the one before in service', async () => {
  commit("two' + nonsense() + '")
  await assert.rejects(follow('The next release'))
  assert.equal(await page(), 'two')
  assert.match(readFileSync(join(root, 'srv/news/current/src/app.js'), 'utf8'), /'two'/, 'the link went back')
  assert.equal(readdirSync(join(root, 'srv/news/releases')).length, 2)
})

test('back to the one before', async () => {
  await follow('Back to the one before')
  assert.equal(await page(), 'one')
})

test('old releases are removed, the last five stay', async () => {
  for (const text of ['three', 'four', 'five', 'six']) {
    commit(text)
    await follow('The next release')
    assert.equal(await page(), text)
  }
  const releases = readdirSync(join(root, 'srv/news/releases'))
  assert.equal(releases.length, 5)
  assert.ok(existsSync(join(root, 'srv/news/current/src/app.js')))
})

test('the command for the machine is the one of the app', async () => {
  assert.match(await run('news config'), /^data +environment HANDCAR_DATA +\S+\/srv\/news\/data$/m)
})

test('the page about doctor has every check, and no other', () => {
  const documented = readFileSync(join(operations, 'doctor.md'), 'utf8').matchAll(/^\| `([^`]+)`/gm)
  const names = checkGroups.flatMap(({ checks }) => checks.map(({ name }) => name))
  assert.deepEqual(new Set([...documented].map(([, name]) => name)), new Set(names))
})

test('the guides link to pages and headings that exist', () => {
  for (const file of readdirSync(operations)) {
    for (const [, target, heading] of readFileSync(join(operations, file), 'utf8').matchAll(
      /\]\(([^)#:]*)(?:#([^)]+))?\)/g,
    )) {
      const path = target ? join(operations, target) : join(operations, file)
      assert.ok(existsSync(path), `${file} links to ${target}`)
      const anchors = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        anchorOf(title!),
      )
      if (heading) assert.ok(anchors.includes(heading), `${file} links to ${target}#${heading}`)
    }
  }
})

const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')

/** Writes the files and runs the commands of one section of the guide; returns what they printed. */
async function follow(heading: string): Promise<string> {
  let output = ''
  for (const block of blocks(heading, 'sh')) {
    const file = /^#!\/bin\/sh\n# (\S+):/.exec(block)?.[1]
    if (file === undefined) output += await run(`set -eu\n${block}`)
    else {
      mkdirSync(dirname(join(app, file)), { recursive: true })
      writeFileSync(join(app, file), moved(block), { mode: 0o755 })
    }
  }
  return output
}

/** The code blocks of a section, in one language. */
function blocks(heading: string, language: string): string[] {
  const section = guide.split(/^## /m).find((each) => each.startsWith(`${heading}\n`))
  assert.ok(section, `the guide has no section "${heading}"`)
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1]!,
  )
}

/** With the paths of the machine in the temporary folder. */
function moved(script: string): string {
  return script
    .replaceAll(/(?<![\w.}])\/(?=(?:srv|etc|usr\/local|swapfile)\b)/g, `${root}/`)
    .replaceAll(':3000', `:${port}`)
}

async function run(script: string): Promise<string> {
  const programs = join(import.meta.dirname, 'deploy-guide-programs')
  const child = spawn('sh', ['-c', moved(script)], {
    cwd: app,
    env: {
      ...process.env,
      NODE_ENV: undefined,
      NODE_TEST_CONTEXT: undefined,
      PATH: `${programs}:${join(root, 'usr/local/bin')}:${process.env['PATH']}`,
      GUIDE_ROOT: root,
      GUIDE_NODE: process.execPath,
      GUIDE_PORT: String(port),
      GUIDE_HANDCAR: join(import.meta.dirname, '../..'),
      HANDCAR_ALLOW_VOLATILE_DATA: '1',
    },
  })
  child.stdin.end()
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  assert.equal(code, 0, `${script}\n${output}\n${errors}`)
  return output
}

/** Asks for the page again and again; tells which pages came, and fails when a request does. */
function requestAllTheTime() {
  const pages = new Set<string>()
  const stopping = new AbortController()
  const done = (async () => {
    while (!stopping.signal.aborted) pages.add(await (await fetch(`http://127.0.0.1:${port}/`)).text())
  })()
  return {
    async stop(): Promise<string[]> {
      stopping.abort()
      await done
      return [...pages]
    },
  }
}

/** Over a connection of its own: a reload waits some seconds for idle ones. */
async function page(): Promise<string> {
  const [response] = (await once(get({ port, agent: false }), 'response')) as [IncomingMessage]
  return text(response)
}

function commit(text: string): void {
  writeFileSync(
    join(app, 'src/app.js'),
    `const page = '${text}'\nexport default { fetch: () => new Response(page) }\n`,
  )
  cpSync(join(app, 'package.json'), join(app, 'package-lock.json'))
  git('add', '.')
  git('-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit', '--quiet', '--message', text)
}

function git(...words: string[]): void {
  execFileSync('git', words, { cwd: app })
}
