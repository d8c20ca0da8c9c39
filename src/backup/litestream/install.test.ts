import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { errorOf } from '../../../test/helpers/errors.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { installLitestream } from './install.ts'

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
