import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { errorOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { installLitestream } from './install.ts'
import { unpackLitestream } from './unpack.ts'

/** Where a release would be, with something else in the place of each archive. */
async function wrongRelease(content: string | undefined) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.statusCode = content === undefined ? 404 : 200
    response.end(content)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  }
}

test('an archive that is not the one of the release is refused, and what was there stays', async () => {
  using folder = temporaryFolder()
  await using release = await wrongRelease('not an archive')
  const to = folder.file('litestream')
  writeFileSync(to, 'the one before')
  const { code, message } = await errorOf(() =>
    installLitestream({ to, from: release.url, platform: 'linux-x64' }),
  )
  assert.equal(code, 'HANDCAR_LITESTREAM_INSTALL')
  assert.match(
    message,
    /Expected .*litestream-0\.5\.16-linux-x86_64\.tar\.gz with the SHA-256 9e2911.*, got 14 bytes/,
  )
  assert.deepEqual(release.asked, ['/litestream-0.5.16-linux-x86_64.tar.gz'])
  assert.equal(readFileSync(to, 'utf8'), 'the one before')
  assert.equal(existsSync(`${to}.installing`), false)
})

test('a release that is not there, a server that is not there, a machine for which there is none', async () => {
  using folder = temporaryFolder()
  const to = folder.file('bin/litestream')
  let gone: string
  {
    await using release = await wrongRelease(undefined)
    gone = release.url
    const missing = await errorOf(() => installLitestream({ to, from: gone, platform: 'linux-arm64' }))
    assert.match(missing.message, /cannot be downloaded: the server answered 404/)
  }
  const refused = await errorOf(() => installLitestream({ to, from: gone, platform: 'darwin-arm64' }))
  assert.match(refused.message, /cannot be downloaded: .*ECONNREFUSED/)
  const foreign = await errorOf(() => installLitestream({ to, from: gone, platform: 'win32-x64' }))
  assert.match(foreign.message, /no release of Litestream for win32-x64/)
  assert.equal(existsSync(folder.file('bin')), false)
})

/** A server that does what it is told, on a port of this machine. */
async function serverThat(answers: RequestListener) {
  const server = createServer(answers).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a download that breaks off, and one that never ends', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  const to = folder.file('litestream')
  writeFileSync(to, 'the one before')
  await using release = await serverThat((request, response) => {
    response.writeHead(200, { 'content-length': '1000000' })
    response.write('the beginning')
    if (!request.url!.startsWith('/slow')) setTimeout(() => response.destroy(), 50)
  })
  const broken = await errorOf(() => installLitestream({ to, from: release.url, platform: 'linux-x64' }))
  assert.equal(broken.code, 'HANDCAR_LITESTREAM_INSTALL')
  assert.match(broken.message, /cannot be downloaded: terminated/)
  const slow = await errorOf(() =>
    installLitestream({ to, from: `${release.url}/slow`, platform: 'linux-x64', timeout: 200 }),
  )
  assert.match(slow.message, /cannot be downloaded: .*timeout/)
  assert.equal(readFileSync(to, 'utf8'), 'the one before')
})

test('a proxy that the environment names is used, for this only', { timeout: 60_000 }, async (context) => {
  const { setGlobalProxyFromEnv } = (await import('node:http')) as { setGlobalProxyFromEnv?: unknown }
  if (setGlobalProxyFromEnv === undefined) return context.skip('this Node knows no proxies')
  using folder = temporaryFolder()
  await using release = await wrongRelease('not an archive')
  const asked: string[] = []
  await using proxy = await serverThat((request, response) => {
    asked.push(request.url!)
    response.end('from the proxy')
  })
  proxy.server.on('connect', (request, socket, head) => {
    asked.push(request.url!)
    const [host, port] = request.url!.split(':')
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.write(head)
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy())
  })
  const options = { to: folder.file('litestream'), from: release.url, platform: 'linux-x64' }
  const environment = { HTTP_PROXY: proxy.url }
  const through = await errorOf(() => installLitestream({ ...options, environment }))
  assert.match(through.message, /SHA-256/)
  assert.equal(asked.length, 1, 'by the proxy')
  await errorOf(() =>
    installLitestream({ ...options, environment: { ...environment, NO_PROXY: '127.0.0.1' } }),
  )
  await errorOf(() => installLitestream(options))
  await fetch(release.url)
  assert.equal(asked.length, 1, 'and not by the proxy')
})

/** Packs what `make` lays into a folder. */
function archiveOf(folder: TemporaryFolder, name: string, make: (path: string) => void): Buffer {
  const path = folder.file(name)
  mkdirSync(path)
  make(path)
  execFileSync('tar', ['-czf', `${path}.tar.gz`, '-C', path, '.', '--transform=s,^\\./,,'])
  return readFileSync(`${path}.tar.gz`)
}

const says = (version: string): string => `#!/bin/sh\necho ${version}\n`

test('of an archive only the program is taken, and it is tried before it is put in its place', async () => {
  using folder = temporaryFolder()
  const to = folder.file('bin/litestream')
  mkdirSync(folder.file('bin'))
  const good = archiveOf(folder, 'good', (path) => {
    writeFileSync(`${path}/litestream`, says('v0.5.16'))
    writeFileSync(`${path}/README.md`, 'read me')
  })
  assert.equal(await unpackLitestream(good, to), '0.5.16')
  assert.equal(statSync(to).mode & 0o777, 0o755)
  assert.deepEqual([existsSync(folder.file('bin/README.md')), existsSync(`${to}.installing`)], [false, false])

  const victim = folder.file('victim')
  writeFileSync(victim, says('v0.5.16'), { mode: 0o600 })
  const tricks: Record<string, (path: string) => void> = {
    'no program': (path) => writeFileSync(`${path}/other`, ''),
    'a program that does not run': (path) => writeFileSync(`${path}/litestream`, 'nonsense'),
    'another version': (path) => writeFileSync(`${path}/litestream`, says('v0.4.0')),
    'a link to another file': (path) => symlinkSync(victim, `${path}/litestream`),
    'a folder': (path) => mkdirSync(`${path}/litestream`),
  }
  for (const [name, make] of Object.entries(tricks)) {
    const archive = archiveOf(folder, name, make)
    await assert.rejects(unpackLitestream(archive, to), name)
    assert.equal(readFileSync(to, 'utf8'), says('v0.5.16'), name)
    assert.equal(existsSync(`${to}.installing`), false, name)
    assert.equal(statSync(victim).mode & 0o777, 0o600, name)
  }
  await assert.rejects(unpackLitestream(Buffer.from('not an archive'), to))
  await assert.rejects(unpackLitestream(good.subarray(0, good.length / 2), to))
})

test(
  'a program that runs is replaced by another one',
  { skip: litestreams['0.5'].isMissing, timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const archive = archiveOf(folder, 'real', (path) =>
      linkSync(litestreams['0.5'].path, `${path}/litestream`),
    )
    const to = folder.file('litestream')
    writeFileSync(to, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
    const { spawn } = await import('node:child_process')
    const running = spawn(to, { stdio: 'ignore' })
    await new Promise((resolve) => running.once('spawn', resolve))
    assert.equal(await unpackLitestream(archive, to), '0.5.16')
    running.kill('SIGKILL')
    rmSync(to)
  },
)
