import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { Channels } from './channels.ts'
import { unchecked } from './channel-types.ts'
import { defineChannel } from './define-channel.ts'

const messages = { posted: unchecked<{ id: number }>() }
const room = defineChannel({ name: 'room/:id', messages, public: true })
const lobby = defineChannel({ name: 'room/lobby', messages, public: true })
const post = defineChannel({
  name: 'post/:id/comments/:page',
  params: z.object({ id: z.coerce.number().int(), page: z.string() }),
  messages,
  public: true,
})
const channels = new Channels([lobby, room, post])

test('a name is made of parameters and taken apart again, whatever they contain', () => {
  for (const id of ['1', 'a/b', '..', 'ä €', '%2F', '?&#', ':id', ' ', '\n', "!'()*"]) {
    const name = room.nameOf({ id })
    assert.equal(name.split('/').length, 2)
    assert.deepEqual(channels.match(name), { definition: room, params: { id } })
  }
  assert.equal(room.nameOf({ id: 7 }), 'room/7')
  assert.equal(channels.nameOf(room, { id: 7 }), 'room/7')
})

test('a channel has one name only', () => {
  for (const name of [
    'room/%31',
    'room/a%2fb',
    'room/',
    'room',
    'room/1/',
    '/room/1',
    'room/%',
    'room/%FF',
    'Room/1',
    '',
  ])
    assert.equal(channels.match(name), undefined, name)
  assert.equal(channels.match(`room/${'x'.repeat(600)}`), undefined)
  assert.equal(channels.match('handcar.control'), undefined)
})

test('the first definition that fits is taken', () => {
  assert.equal(channels.match('room/lobby')?.definition, lobby)
})

test('parameters with a schema: handlers get what it makes, and a name that does not fit is none', () => {
  const name = post.nameOf({ id: 7, page: 'last' })
  assert.equal(name, 'post/7/comments/last')
  assert.deepEqual(channels.match(name)?.params, { id: 7, page: 'last' })
  assert.equal(channels.match('post/seven/comments/last'), undefined)
})

test('parameters that make no name are refused', async () => {
  for (const params of [
    undefined,
    null,
    {},
    { id: '' },
    { id: null },
    { id: {} },
    { id: '\uD800' },
    { id: 'x'.repeat(600) },
  ])
    assert.equal(
      await codeOf(() => room.nameOf(params as never)),
      'HANDCAR_REALTIME_CHANNEL',
      JSON.stringify(params),
    )
  const other = defineChannel({ name: 'other', messages, public: true })
  assert.equal(await codeOf(() => channels.nameOf(other, {})), 'HANDCAR_REALTIME_CHANNEL')
  const byName = await errorOf(() => channels.nameOf('room/1' as never, {}))
  assert.match(byName.message, /expected what defineChannel returned, got "room\/1"/)
})

test('definitions that cannot be are refused', async () => {
  const wrong: [string, object][] = [
    ['no name', { messages, public: true }],
    ['an empty word', { name: 'room//x', messages, public: true }],
    ['a parameter without a name', { name: 'room/:', messages, public: true }],
    ['a parameter twice', { name: ':a/:a', messages, public: true }],
    ['a reserved name', { name: 'handcar.control', messages, public: true }],
    ['no messages', { name: 'room', public: true }],
    ['a message that is no schema', { name: 'room', messages: { posted: 'text' }, public: true }],
    ['a type that is none', { name: 'room', messages: { 'a b': unchecked() }, public: true }],
    ['neither public nor authorize', { name: 'room', messages }],
    ['both', { name: 'room', messages, public: true, authorize: () => true }],
    ['send without onMessage', { name: 'room', messages, public: true, send: messages }],
    ['onMessage without send', { name: 'room', messages, public: true, onMessage() {} }],
    ['retention', { name: 'room', messages, public: true, retention: { count: 0 } }],
    ['an unknown option', { name: 'room', messages, public: true, retantion: {} }],
  ]
  const reason = async (options: object) =>
    (await errorOf(() => defineChannel({ name: 'room', messages, public: true, ...options }))).message
  assert.match(await reason({ authorize: () => true }), /either public: true or authorize, got both/)
  assert.match(await reason({ onMessage() {} }), /"send": expected the messages that onMessage handles/)
  assert.match(
    await reason({ messages: { posted: { id: 'number' } } }),
    /"posted": expected a Standard Schema/,
  )
  for (const [what, options] of wrong)
    assert.match((await codeOf(() => defineChannel(options as never))) ?? '', /^HANDCAR_OPTION_/, what)
  const same = defineChannel({ name: 'room/:other', messages, public: true })
  assert.equal(await codeOf(() => new Channels([room, same])), 'HANDCAR_OPTION_INVALID')
})
