import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { trimStack } from './trim-stack.ts'

test('frames of Node and of handcar are left out, of the app and of packages are kept', () => {
  const stack = `file:///srv/app.js:2
foo bar

SyntaxError: Unexpected identifier
    at async app (file:///srv/app.js:2:1)
    at Layer.handle (file:///srv/node_modules/express/layer.js:7:1)
    at ModuleJob.run (node:internal/modules/esm/module_job:561:25)
    at async boot (${new URL('../app/boot.ts', import.meta.url).href}:50:7)`
  assert.equal(trimStack(stack), stack.split('\n').slice(0, -2).join('\n'))
})

test('nothing but the stack is changed', () => {
  const value = inspect(new Error('node:internal\nis no frame', { cause: { at: 'node:internal' } }))
  assert.match(trimStack(value), /^Error: node:internal\nis no frame\n?[^]*cause.*at: 'node:internal'/)
})
