import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appFolder } from '../../test/helpers/app-folder.ts'
import { codeOf } from '../../test/helpers/errors.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { importChannels } from './channels-module.ts'
import { Handcar, type Role } from './handcar.ts'
import { loadConfig } from './load-config.ts'

const logger = recordingLogger()
const definitions = `
import { defineChannel, unchecked } from 'handcar/realtime'
const one = (name, more) => defineChannel({ name, public: true, messages: { said: unchecked(), typing: { schema: unchecked(), ephemeral: true } }, ...more })
export const room = one('room/:id')
export const others = [room, one('news')]
export const helper = () => 1
export const authenticate = (request, { database }) => database.get('select 7 as id')
export default one('all')`

test('every channel that the module exports is known once, alone or in a list, and who says who asks', async () => {
  using folder = appFolder({ 'src/channels.js': definitions })
  const { channels, authenticate } = await importChannels((await loadConfig(folder.path)).realtime)
  assert.deepEqual(channels.map(({ name }) => name).toSorted(), ['all', 'news', 'room/:id'])
  assert.equal(typeof authenticate, 'function')
})

test('the module has its usual places, and may be named; without one there are no channels', async () => {
  const places = ['src/channels.ts', 'src/channels/index.ts', 'src/channels.js', 'src/channels/index.js']
  for (const place of [...places, 'lib/live.ts']) {
    using folder = appFolder({ [place]: '' })
    if (place.startsWith('lib'))
      folder.write('handcar.config.js', `export default { realtime: { channels: '${place}' } }`)
    const { realtime } = await loadConfig(folder.path)
    assert.equal(realtime.channels, folder.file(place))
  }
  using without = appFolder()
  assert.equal((await loadConfig(without.path)).realtime.channels, undefined)
  assert.deepEqual(await importChannels({}), { channels: [], authenticate: undefined })
})

test('what is wrong with the module keeps the app from starting', async () => {
  assert.equal(
    await codeOf(() => importChannels({ channels: '/nowhere/channels.ts' })),
    'HANDCAR_CHANNELS_INVALID',
  )
  const wrong: [string, object][] = [
    ['export const authenticate = 5', { code: 'HANDCAR_CHANNELS_INVALID' }],
    [`${definitions}\nexport const twice = one('room/:name')`, { code: 'HANDCAR_OPTION_INVALID' }],
    ["throw new Error('mine')", { message: 'mine' }],
  ]
  for (const [text, error] of wrong) {
    using folder = appFolder({ 'src/channels.js': text })
    const handcar = new Handcar(await loadConfig(folder.path), { logger, migrate: true })
    await assert.rejects(() => handcar.start(), error)
    assert.equal(handcar.state, 'stopped')
  }
})

test('every process publishes; clients are where requests are, and only if there are channels', async () => {
  const roles: [Role, boolean][] = [
    ['web', true],
    ['jobs', false],
    ['script', false],
  ]
  using folder = appFolder({ 'src/channels.js': definitions })
  const config = await loadConfig(folder.path)
  const { channels } = await importChannels(config.realtime)
  const room = channels.find(({ name }) => name === 'room/:id')!
  const followed: number[] = []
  for (const [role, serves] of roles) {
    await using handcar = new Handcar(config, { logger, role, migrate: true })
    await handcar.start()
    assert.equal(handcar.realtime.serves, serves, role)
    followed.push((await handcar.realtime.publish(room, { id: 1 }, 'said', role)) as number)
    assert.equal(await handcar.realtime.publish(room, { id: 1 }, 'typing', role), undefined)
    assert.equal(handcar.realtime.channel(room, { id: 1 }).history({ limit: 10 }).length, followed.length)
    assert.deepEqual(handcar.realtime.channel(room, { id: 1 }).presence(), [])
    await waitUntil('all is read', () => handcar.realtime.stats().feed.lag === 0)
  }
  assert.deepEqual(followed, [1, 2, 3])
  using without = appFolder()
  await using silent = new Handcar(await loadConfig(without.path), { logger, role: 'web', migrate: true })
  await silent.start()
  assert.equal(silent.realtime.serves, false)
})

test('settings of realtime are checked where they are written', async () => {
  using folder = appFolder({ 'handcar.config.js': "export default { realtime: { heartbeat: 'often' } }" })
  await assert.rejects(() => loadConfig(folder.path), {
    code: 'HANDCAR_OPTION_INVALID',
    message: /handcar\.config\.js option "realtime".*heartbeat/,
  })
})
