import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { unchecked } from './channel-types.ts'
import { defineChannel } from './define-channel.ts'
import type { Realtime } from '../realtime.ts'

type Equal<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false
const same = <_True extends true>(): void => {}

interface Person {
  id: number
  isAdmin: boolean
}

test('a definition knows its types, both ways', () => {
  const room = defineChannel({
    name: 'room/:id/:part',
    messages: {
      posted: z.object({ at: z.string().transform((text) => text.length) }),
      typing: { schema: unchecked<string>(), ephemeral: true },
    },
    send: {
      say: { schema: z.object({ text: z.string() }), result: z.object({ id: z.number() }) },
      leave: unchecked<null>(),
    },
    authorize: ({ user, params }) => {
      same<Equal<typeof params, { id: string; part: string }>>()
      same<Equal<typeof user, { readonly id: string | number } | undefined>>()
      return user !== undefined
    },
    onMessage(message) {
      same<Equal<typeof message.type, 'say' | 'leave'>>()
      if (message.type === 'say') {
        same<Equal<typeof message.data, { text: string }>>()
        return { id: 1 }
      }
      same<Equal<typeof message.data, null>>()
      return undefined
    },
  })
  type Types = typeof room.types
  same<Equal<Types['messages']['posted']['input'], { at: string }>>()
  same<Equal<Types['messages']['posted']['output'], { at: number }>>()
  same<Equal<Types['messages']['typing']['ephemeral'], true>>()
  same<Equal<Types['send']['say']['result'], { id: number }>>()
  same<Equal<Types['params']['input'], { id: string | number; part: string | number }>>()
  same<Equal<typeof room.name, 'room/:id/:part'>>()
  assert.deepEqual([...room.messages.keys()], ['posted', 'typing'])

  // Only for the types.
  const use = (realtime: Realtime): void => {
    const posted = realtime.publish(room, { id: 1, part: 'a' }, 'posted', { at: 'x' })
    same<Equal<typeof posted, Promise<number>>>()
    const typing = realtime.channel(room, { id: 1, part: 'a' }).publish('typing', 'me')
    same<Equal<typeof typing, Promise<undefined>>>()
    // @ts-expect-error -- no such type
    void realtime.publish(room, { id: 1, part: 'a' }, 'gone', {})
    // @ts-expect-error -- not what the schema takes
    void realtime.publish(room, { id: 1, part: 'a' }, 'posted', { at: 1 })
    // @ts-expect-error -- a parameter is missing
    void realtime.publish(room, { id: 1 }, 'posted', { at: 'x' })
    // @ts-expect-error -- the channel has no fragments
    void realtime.publishFragment(room, { id: 1, part: 'a' }, { target: '#a', action: 'remove' })
  }
  assert.equal(typeof use, 'function')
})

test('the user and the parameters have the types that one gives them', () => {
  const own = defineChannel({
    name: 'own/:id',
    params: z.object({ id: z.coerce.number<string | number>() }),
    messages: { posted: unchecked<number>() },
    authorize({ user, params }: { user: Person | undefined; params: { id: number } }) {
      return user?.isAdmin === true || user?.id === params.id
    },
    presence: { user: (user) => ({ admin: user.isAdmin }) },
  })
  same<Equal<typeof own.types.params, { input: { id: string | number }; output: { id: number } }>>()
  assert.ok(own.hasPresence)
})
