import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commandsReference, commandsReferencePath } from '../../scripts/commands-reference.ts'

test('the page about the commands is what the commands say', async () => {
  const message = 'run `node scripts/commands-reference.ts`'
  assert.equal(readFileSync(commandsReferencePath, 'utf8'), await commandsReference(), message)
})
