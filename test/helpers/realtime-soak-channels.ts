import { defineChannel, unchecked } from '../../src/realtime/index.ts'

/** A message of the soak: its number among all of its process, so that what came can be compared with what was written. */
export interface SoakMessage {
  room: number
  text: string
  /** When it was published, by the clock that all processes share. */
  at: number
}

const room = defineChannel({
  name: 'room/:id',
  public: true,
  messages: { posted: unchecked<SoakMessage>() },
})

/** Who is there. */
const lobby = defineChannel({ name: 'lobby/:id', public: true, messages: {}, presence: true })

/** What clients send is written down: each number of each client must be there once. */
const box = defineChannel({
  name: 'box',
  public: true,
  messages: {},
  send: { put: unchecked<{ number: number }>() },
  transactional: true,
  onMessage: ({ user, data, tx }) => {
    tx!.run('insert into box (client, number) values (?, ?)', [String(user?.id), data.number])
    return data.number
  },
})

export const soakChannels = { room, lobby, box }
