import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { importApp } from './app-module.ts'
import type { Handcar } from './handcar.ts'

const handcar = { role: 'web' } as Handcar

/** The app that a module of this content makes. */
async function appOf(content: string) {
  using folder = temporaryFolder()
  const app = folder.file('app.mjs')
  writeFileSync(app, content)
  return (await importApp({ app, folder: folder.path }))(handcar)
}

test('an app is an object that fetches', async () => {
  const app = await appOf(`export default { fetch: () => new Response('plain') }`)
  const response = await app.fetch(new Request('http://localhost/'), {} as never)
  assert.equal(await response.text(), 'plain')
})

test('or a function that makes one from handcar, perhaps later', async () => {
  for (const declaration of ['(handcar) => ({', 'async (handcar) => ({']) {
    const app = await appOf(
      `export default ${declaration} fetch: () => new Response(handcar.role), stop() {} })`,
    )
    const response = await app.fetch(new Request('http://localhost/'), {} as never)
    assert.equal(await response.text(), 'web')
    assert.equal(typeof app.stop, 'function')
  }
})

const invalid: Record<string, RegExp> = {
  'export const app = {}': /Expected a default export in .*app\.mjs, got none/,
  'export default {}': /a function fetch\(request\).*an instance of Object \(the default export\)/,
  'export default { fetch: 1 }': /a function fetch\(request\)/,
  'export default null': /got null/,
  'export default () => {}': /got undefined \(what its function returned\)/,
  'export default () => ({})': /what its function returned/,
}

for (const [content, message] of Object.entries(invalid)) {
  test(`refused: ${content}`, async () => {
    const error = await errorOf(() => appOf(content))
    assert.equal(error.code, 'HANDCAR_APP_INVALID')
    assert.match(error.message, message)
  })
}

test('a file that is missing is named', async () => {
  const missing = await errorOf(() => importApp({ app: '/nowhere/app.ts', folder: '/nowhere' }))
  assert.equal(missing.code, 'HANDCAR_APP_INVALID')
  assert.equal(missing.message, 'There is no file /nowhere/app.ts')
  const none = await errorOf(() => importApp({ app: undefined, folder: '/nowhere' }))
  assert.match(none.message, /There is no app in \/nowhere/)
})

test('what the app itself throws passes through', async () => {
  assert.equal((await errorOf(() => appOf(`throw new RangeError('mine')`))).name, 'RangeError')
  assert.equal(
    (await errorOf(() => appOf(`export default () => { throw new RangeError('mine') }`))).name,
    'RangeError',
  )
})
