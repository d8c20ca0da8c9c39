import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, type CommandResult } from '../../../test/helpers/command-line.ts'
import { plainName } from './deployed-app.ts'
import { targets } from './index.ts'

const configuration = `export default {
  server: { port: 4321, healthPath: '/healthz', trustedProxies: ['private'] },
  processes: { stopTimeout: '45s' },
}`

function makeApp(files: Record<string, string> = {}): AppFolder {
  return appFolder({
    'package.json': '{ "name": "@company/My_App", "type": "module", "scripts": {} }',
    'handcar.config.js': configuration,
    ...files,
  })
}

const write = (app: AppFolder, ...words: string[]): Promise<CommandResult> =>
  handcar(['deploy:files', ...words], { folder: app.path, environment: { PORT: undefined, HOST: undefined } })
const read = (app: AppFolder, path: string): string => readFileSync(app.file(path), 'utf8')

/** Why a tool cannot be used here; `false` when it can. */
function isMissing(command: string, ...words: string[]): string | false {
  return spawnSync(command, words).status === 0 ? false : `${command} ${words.join(' ')} does not work here`
}

/** Reads a file of another language with Python's parser for it. */
function parse(program: string, path: string): Record<string, never> {
  const answer = execFileSync('python3', ['-c', `import json, sys, ${program}`, path], { encoding: 'utf8' })
  return JSON.parse(answer) as Record<string, never>
}

test('a name is made plain for users, units, images and hosts', () => {
  assert.equal(plainName('@company/My_App'), 'my-app')
  assert.equal(plainName('lorem-news'), 'lorem-news')
  assert.equal(plainName('4 ever!'), 'ever')
  assert.equal(plainName('åß'), 'app')
  assert.equal(plainName('x'.repeat(90)).length, 32)
})

test(
  'systemd accepts the service and the socket',
  { skip: isMissing('systemd-analyze', '--version') },
  async () => {
    using app = makeApp()
    assert.equal((await write(app, '--to', 'systemd')).code, 0)
    // It looks whether the programs exist: they do, where the test says.
    const program = app.file('program')
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    mkdirSync(app.file('units'))
    for (const ending of ['service', 'socket']) {
      const unit = read(app, `deploy/my-app.${ending}`)
      writeFileSync(
        app.file(`units/my-app.${ending}`),
        unit.replaceAll('/srv/my-app/current/node_modules/.bin/handcar', program),
      )
    }
    const units = ['service', 'socket'].map((ending) => app.file(`units/my-app.${ending}`))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
      encoding: 'utf8',
    })
    const said = stderr.split('\n').filter((line) => line.includes('my-app'))
    assert.deepEqual(said, [])
    assert.equal(status, 0, stderr)
  },
)

test('the systemd files fit the configuration and one another', async () => {
  using app = makeApp()
  const { output } = await write(app, '--to', 'systemd')
  assert.match(output, /wrote deploy\/my-app\.service/)
  const service = read(app, 'deploy/my-app.service')
  const socket = read(app, 'deploy/my-app.socket')
  for (const line of [
    'Type=notify',
    'NotifyAccess=all',
    'User=my-app',
    'Requires=my-app.socket',
    'ExecStart=/srv/my-app/current/node_modules/.bin/handcar start --folder /srv/my-app/current',
    'ExecReload=/srv/my-app/current/node_modules/.bin/handcar reload --folder /srv/my-app/current',
    'KillMode=mixed',
    'TimeoutStopSec=60',
    'Environment=HANDCAR_DATA=/srv/my-app/data',
    'ReadWritePaths=/srv/my-app/data',
  ])
    assert.ok(service.split('\n').includes(line), line)
  assert.ok(socket.includes('\nListenStream=127.0.0.1:4321\n'))
  assert.ok(socket.includes('\nBacklog=4096\n'))
})

test('a unix socket is held by systemd as well', async () => {
  using app = makeApp({ 'handcar.config.js': "export default { server: { socket: '/run/my-app.socket' } }" })
  await write(app, '--to', 'systemd')
  assert.ok(read(app, 'deploy/my-app.socket').includes('\nListenStream=/run/my-app.socket\n'))
})

test('a Dockerfile has two stages, another user than root, and what the app listens on', async () => {
  using app = makeApp()
  await write(app, '--to', 'docker')
  const lines = instructionsOf(read(app, 'Dockerfile'))
  const words = lines.map((line) => line.split(' ')[0])
  const known = [
    'FROM',
    'WORKDIR',
    'COPY',
    'RUN',
    'ENV',
    'USER',
    'EXPOSE',
    'STOPSIGNAL',
    'HEALTHCHECK',
    'CMD',
  ]
  assert.deepEqual(
    words.filter((word) => !known.includes(word!)),
    [],
  )
  assert.deepEqual(
    lines.filter((line) => line.startsWith('FROM')),
    ['FROM node:24-slim AS build', 'FROM node:24-slim'],
  )
  assert.ok(lines.includes('RUN npm ci --omit=dev'))
  assert.ok(lines.includes('ENV NODE_ENV=production HANDCAR_DATA=/data HOST=0.0.0.0 PORT=4321'))
  assert.ok(lines.includes('USER node'))
  assert.ok(words.lastIndexOf('RUN') < words.lastIndexOf('USER'), 'folders are made while it is still root')
  assert.ok(lines.includes('EXPOSE 4321'))
  assert.ok(lines.some((line) => /^HEALTHCHECK .*http:\/\/127\.0\.0\.1:4321\/healthz/.test(line)))
  // The forms of JSON: without a shell, so that signals arrive.
  for (const line of lines.filter((each) => /\bCMD \[/.test(each)))
    assert.doesNotThrow(() => JSON.parse(line.slice(line.indexOf('['))), line)
  assert.ok(read(app, '.dockerignore').split('\n').includes('.env*'))
})

test('an app that is built gets its build step', async () => {
  using app = makeApp({
    'package.json': '{ "name": "built", "type": "module", "scripts": { "build": "x" } }',
  })
  await write(app, '--to', 'docker')
  assert.match(read(app, 'Dockerfile'), /RUN npm ci\nCOPY \. \.\nRUN npm run build && npm prune --omit=dev/)
})

test(
  'fly.toml mounts the volume on one machine',
  { skip: isMissing('python3', '-c', 'import tomllib') },
  async () => {
    using app = makeApp()
    await write(app, '--to', 'fly')
    const parsed: Record<string, unknown> = parse(
      'tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], "rb"))))',
      app.file('fly.toml'),
    )
    const service = parsed['http_service'] as Record<string, unknown> & { checks: object[] }
    assert.equal(parsed['app'], 'my-app')
    assert.equal(parsed['kill_timeout'], '60s')
    assert.deepEqual({ ...(parsed['mounts'] as object), source: 'data' }, parsed['mounts'])
    assert.equal((parsed['mounts'] as { destination: string }).destination, '/data')
    assert.deepEqual(parsed['env'], {
      NODE_ENV: 'production',
      HANDCAR_DATA: '/data',
      HOST: '0.0.0.0',
      PORT: '4321',
    })
    assert.equal(service['internal_port'], 4_321)
    assert.equal(service['auto_stop_machines'], 'off')
    assert.equal((service.checks[0] as { path: string }).path, '/healthz')
    const lines = instructionsOf(read(app, (parsed['build'] as { dockerfile: string }).dockerfile))
    const entrypoint = lines.find((line) => line.startsWith('ENTRYPOINT'))!
    const [shell, , script] = JSON.parse(entrypoint.slice('ENTRYPOINT '.length)) as string[]
    execFileSync(shell!, ['-n', '-c', script!])
    assert.match(script!, /setpriv --reuid=node .* "\$@"$/)
  },
)

test(
  'deploy.yml of Kamal has one server, a volume and the health check',
  {
    skip: isMissing('python3', '-c', 'import yaml'),
  },
  async () => {
    using app = makeApp()
    await write(app, '--to', 'kamal')
    const parsed: Record<string, unknown> = parse(
      'yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))',
      app.file('config/deploy.yml'),
    )
    const proxy = parsed['proxy'] as Record<string, unknown>
    assert.equal(parsed['service'], 'my-app')
    assert.deepEqual(parsed['volumes'], ['my-app-data:/data'])
    assert.equal((parsed['servers'] as { web: string[] }).web.length, 1)
    assert.equal(proxy['app_port'], 4_321)
    assert.equal(proxy['ssl'], true)
    assert.equal((proxy['healthcheck'] as { path: string }).path, '/healthz')
    assert.equal(parsed['drain_timeout'], 60)
    assert.ok(existsSync(app.file('Dockerfile')))
    const hook = app.file('.kamal/hooks/pre-app-boot')
    assert.equal(statSync(hook).mode & 0o111, 0o111)
    execFileSync('sh', ['-n', hook])
  },
)

test('the hook of Kamal stops the old container of the right destination', async () => {
  using app = makeApp()
  await write(app, '--to', 'kamal')
  writeFileSync(app.file('kamal'), '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
  const run = (variables: Record<string, string>): string =>
    execFileSync(app.file('.kamal/hooks/pre-app-boot'), {
      env: { PATH: `${app.path}:/usr/bin:/bin`, ...variables },
      encoding: 'utf8',
    })
  assert.equal(run({}), 'app stop\n')
  assert.equal(run({ KAMAL_DESTINATION: 'staging' }), 'app stop --destination staging\n')
})

test('files that exist are not overwritten without --force, and then nothing is written', async () => {
  using app = makeApp({ 'deploy/my-app.socket': 'mine' })
  const refused = await write(app, '--to', 'systemd')
  assert.equal(refused.code, 2)
  assert.match(refused.errors, /deploy\/my-app\.socket exists already, and nothing was written/)
  assert.match(refused.errors, /--force/)
  assert.deepEqual(readdirSync(app.file('deploy')), ['my-app.socket'])
  assert.equal((await write(app, '--to', 'systemd', '--force')).code, 0)
  assert.match(read(app, 'deploy/my-app.socket'), /ListenStream/)
  assert.match((await write(app, '--to', 'systemd')).output, /kept {2}deploy\/my-app\.socket/)
})

test('a Dockerfile of the app stays when Kamal is added', async () => {
  using app = makeApp({ Dockerfile: 'FROM mine\n' })
  const { code, output } = await write(app, '--to', 'kamal')
  assert.equal(code, 0)
  assert.match(output, /kept {2}Dockerfile/)
  assert.equal(read(app, 'Dockerfile'), 'FROM mine\n')
})

test('an unknown target is refused with the nearest one; a missing one is asked for', async () => {
  using app = makeApp()
  const mistyped = await write(app, '--to', 'sytemd')
  assert.equal(mistyped.code, 2)
  assert.match(mistyped.errors, /expected systemd, docker, fly, kamal, got sytemd/)
  assert.match(mistyped.errors, /Did you mean systemd\?/)
  for (const odd of ['constructor', '__proto__', ''])
    assert.equal((await write(app, '--to', odd)).code, 2, odd)
  assert.equal((await write(app)).code, 2)
})

test('a configuration that cannot be loaded is said before anything is written', async () => {
  using app = makeApp({ 'handcar.config.js': 'export default { sever: {} }' })
  const { code, errors } = await write(app, '--to', 'docker')
  assert.notEqual(code, 0)
  assert.match(errors, /sever/)
  assert.equal(existsSync(app.file('Dockerfile')), false)
})

test('every target tells its next steps, and asks for trustedProxies where a proxy is elsewhere', () => {
  const app = {
    name: 'x',
    host: '127.0.0.1',
    port: 3_000,
    socket: undefined,
    healthPath: '/up',
    stopSeconds: 15,
    hasBuild: false,
    trustsPrivateNetworks: false,
  }
  for (const [name, target] of Object.entries(targets)) {
    assert.ok(target.nextSteps(app).length > 2)
    assert.equal(
      target.nextSteps(app).some((step) => step.includes('trustedProxies')),
      name !== 'systemd',
      name,
    )
  }
})

/** The instructions of a Dockerfile, without comments and with lines put together that belong together. */
function instructionsOf(dockerfile: string): string[] {
  return dockerfile
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean)
}
