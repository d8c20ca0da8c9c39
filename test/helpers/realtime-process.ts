import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../src/core/index.ts'
import { Channels } from '../../src/realtime/channels/channels.ts'
import { Trimmer } from '../../src/realtime/log/trimmer.ts'
import { FollowedLog, realtimeDatabase } from './realtime.ts'

/** A process with a log and a feed that does what it is told by messages. */
const { path, name } = JSON.parse(process.argv[2]!) as { path: string; name: string }

/** What the process can be told. */
export type RealtimeOrder =
  /** Publishes so many messages, some in transactions of which some are rolled back; answers when all are committed. */
  | { type: 'publish'; count: number }
  /** Adds to a row and publishes the new total with it, again and again, until it is killed; answers when it has begun. */
  | { type: 'add' }
  /** Deletes all but the last 100 messages of each channel, again and again, until it is killed; answers when it has begun. */
  | { type: 'trim' }
  /** Publishes, and is killed after the commit, before anybody can be told. */
  | { type: 'die' }
  /** Answers when the feed has reached an offset, with all that it has received. */
  | { type: 'receive'; until: number }

const database = await realtimeDatabase({ path, durability: 'os' })
const followed = new FollowedLog(database, { clock: systemClock })
const { log, feed, received } = followed

async function publish(count: number): Promise<number> {
  for (let done = 0; done < count;) {
    const together = Math.min(count - done, 1 + Math.floor(Math.random() * 20))
    const numbers = Array.from({ length: together }, (_, index) => done + index)
    const publishAll = () => numbers.map((n) => log.publish(`room/${n % 7}`, name, `${n}`))
    if (Math.random() < 0.5) await Promise.all(publishAll())
    else await database.write(() => Promise.all(publishAll()))
    if (Math.random() < 0.2) await rollBack()
    done += together
    await turn()
  }
  return count
}

async function rollBack(): Promise<void> {
  const failing = database.write(async () => {
    await log.publish('room/0', 'rolled back', '0')
    throw new Error('taken back')
  })
  await failing.catch(() => {})
}

async function add(): Promise<never> {
  for (;;) {
    await database.write((tx) => {
      for (let count = 0; count < 3; count++) {
        const { total } = tx.get<{ total: number }>('update totals set total = total + 1 returning total')!
        void log.publish('total', 'added', `${total}`)
      }
    })
    await turn()
  }
}

async function trim(): Promise<never> {
  const retention = { age: Infinity, count: 100, bytes: Infinity }
  const channels = new Channels([])
  const trimmer = new Trimmer({
    database,
    feed,
    channels,
    retention,
    clock: systemClock,
    logger: followed.logger,
  })
  for (;;) {
    await trimmer.trim()
    await turn()
  }
}

async function obey(order: RealtimeOrder): Promise<unknown> {
  switch (order.type) {
    case 'publish':
      return await publish(order.count)
    case 'add':
      void add()
      return 'begun'
    case 'trim':
      void trim()
      return 'begun'
    case 'die':
      // The listeners of this process hear of a commit before the byte is written that others hear.
      database.onCommit(() => process.kill(process.pid, 'SIGKILL'))
      return await log.publish('room/1', name, '"last words"')
    default:
      while (feed.position < order.until) await turn()
      return received
  }
}

process.on('message', (order: RealtimeOrder) => {
  void obey(order).then((answer) => process.send!(answer))
})
process.send!('ready')
