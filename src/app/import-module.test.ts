import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { importModule } from './import-module.ts'

for (const name of ['bad.js', 'bad.ts']) {
  test(`a syntax error of ${name} says where it is, also when another module imports it`, async () => {
    using folder = temporaryFolder()
    writeFileSync(folder.file('package.json'), '{"type":"module"}')
    writeFileSync(folder.file(name), 'export const a = 1\nfoo bar\n')
    writeFileSync(folder.file('app.js'), `import './${name}'\n`)
    const error = await errorOf(() => importModule(folder.file('app.js')))
    assert.ok(error instanceof SyntaxError)
    assert.match(error.stack!, new RegExp(`${name}:2\n[^]*foo bar`))
  })
}

test('what a module throws passes through', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('app.mjs'), "throw new SyntaxError('mine')")
  const error = await errorOf(() => importModule(folder.file('app.mjs')))
  assert.equal(error.message, 'mine')
  assert.match(error.stack!, /^SyntaxError: mine\n.*app\.mjs:1/)
})
