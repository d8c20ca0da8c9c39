import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Database } from '../../src/database/index.ts'
import type { RelayStats } from '../../src/realtime/relay/relay.ts'
import { presenceMigrations } from '../../src/realtime/presence/migrations.ts'
import { Child } from '../helpers/child.ts'
import type { Order } from '../helpers/presence-process.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

const channel = 'room/1'

/** Processes on one file, killed with the block. */
class Processes implements AsyncDisposable {
  readonly #folder: TemporaryFolder = temporaryFolder()
  readonly path = this.#folder.file('app.sqlite3')
  readonly all: Child[] = []

  async add(options: object = {}): Promise<Child> {
    const child = Child.start('presence-process', { path: this.path, ...options })
    this.all.push(child)
    assert.equal(await child.next(), 'ready', child.errors)
    return child
  }

  /** Starts several at the same moment, on a file that is there. */
  async addAll(count: number, options: object = {}): Promise<Child[]> {
    await using database = new Database({
      path: this.path,
      partMigrations: { realtime: presenceMigrations },
      readers: false,
    })
    await database.start()
    return Promise.all(Array.from({ length: count }, () => this.add(options)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((child) => child.kill()))
    this.#folder[Symbol.dispose]()
  }
}

const tell = <Answer>(child: Child, order: Order): Promise<Answer> => child.ask<Answer>(order)
const usersOf = (child: Child, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `u${child.pid}-${index}`).sort()
const join = (child: Child, users: string[]) => tell(child, { type: 'join', channel, users })
const isNumber = (answer: unknown): void => assert.equal(typeof answer, 'number', String(answer))
const untilUsers = async (children: Child[], users: string[]): Promise<void> => {
  const answers = await Promise.all(
    children.map((child) => tell(child, { type: 'untilUsers', channel, users })),
  )
  answers.forEach(isNumber)
}
const untilPeers = (children: Child[], peers: number) =>
  Promise.all(children.map((child) => tell(child, { type: 'untilPeers', peers })))
const heardBy = (child: Child) => tell<Record<number, number[]>>(child, { type: 'heard' })
const statsOf = (child: Child) => tell<RelayStats & { isConnected: boolean }>(child, { type: 'relay' })

/** The hub, and the others. */
async function withHub(children: Child[]): Promise<{ hub: Child; rest: Child[] }> {
  await untilPeers(children, children.length - 1)
  const roles = await Promise.all(children.map(statsOf))
  const hubs = children.filter((_, index) => roles[index]!.role === 'hub')
  assert.equal(hubs.length, 1)
  return { hub: hubs[0]!, rest: children.filter((child) => child !== hubs[0]) }
}

test('the 300 users of a process that is killed are gone, everywhere, and those of the others stay', async () => {
  await using processes = new Processes()
  const children = await processes.addAll(3)
  const [dies, ...rest] = children as [Child, Child, Child]
  await Promise.all(children.map((child) => join(child, usersOf(child, child === dies ? 300 : 10))))
  await untilUsers(
    rest,
    children.flatMap((child) => usersOf(child, child === dies ? 300 : 10)),
  )
  await dies.kill()
  await untilUsers(
    rest,
    rest.flatMap((child) => usersOf(child, 10)),
  )
})

test('the hub is killed in the middle of traffic: another takes over, what is heard is in order, presence is true', async () => {
  await using processes = new Processes()
  const { hub, rest } = await withHub(await processes.addAll(4))
  await Promise.all([hub, ...rest].map((child) => join(child, usersOf(child, 5))))
  await Promise.all(rest.map((child) => tell(child, { type: 'chatter' })))
  await waitUntil('traffic passes', async () => (await statsOf(hub)).received > 500)
  await hub.kill()
  await withHub(rest)
  await untilUsers(
    rest,
    rest.flatMap((child) => usersOf(child, 5)),
  )
  const sent = await Promise.all(rest.map((child) => tell<number>(child, { type: 'silence' })))
  for (const child of rest) {
    for (const [index, other] of rest.entries()) {
      if (other === child) continue
      let numbers: number[] = []
      await waitUntil('the last one is heard', async () => {
        numbers = (await heardBy(child))[other.pid] ?? []
        return numbers.at(-1) === sent[index]! - 1
      })
      assert.ok(
        numbers.every((number, at) => at === 0 || number > numbers[at - 1]!),
        'in order, none twice',
      )
    }
  }
})

test('20 processes that start together meet, and when 6 are killed at once the 14 others know the truth', async () => {
  await using processes = new Processes()
  const { hub, rest } = await withHub(await processes.addAll(20))
  const users = (children: Child[]): string[] => children.flatMap((child) => usersOf(child, 15))
  await Promise.all([hub, ...rest].map((child) => join(child, users([child]))))
  await untilUsers([hub, ...rest], users([hub, ...rest]))
  const victims = [hub, ...rest.slice(0, 5)]
  const survivors = rest.slice(5)
  await Promise.all(victims.map((child) => child.kill()))
  await untilUsers(survivors, users(survivors))
  await withHub(survivors)
})

test('a process that stands still keeps its presences, stops nobody, and is there again when it goes on', async () => {
  await using processes = new Processes()
  const { hub, rest } = await withHub(await processes.addAll(3))
  const frozen = rest[0]!
  const others = [hub, rest[1]!]
  await join(frozen, ['frozen'])
  frozen.signal('SIGSTOP')
  await join(hub, ['hub'])
  await tell(hub, { type: 'chatter' })
  await untilUsers(others, ['frozen', 'hub'])
  const heardByOther = async (): Promise<number> => (await heardBy(rest[1]!))[hub.pid]?.length ?? 0
  await waitUntil('traffic passes', async () => (await heardByOther()) > 1_000)
  const sent = await tell<number>(hub, { type: 'silence' })
  await waitUntil('the other has heard all', async () => (await heardByOther()) === sent)
  frozen.signal('SIGCONT')
  await untilUsers([...others, frozen], ['frozen', 'hub'])
  await untilPeers([hub, ...rest], 2)
})

test('a hub that stands still: a process that is killed meanwhile is found dead all the same', async () => {
  await using processes = new Processes()
  const { hub, rest } = await withHub(await processes.addAll(3))
  const [dies, stays] = rest as [Child, Child]
  await join(hub, ['hub'])
  await join(dies, ['dies'])
  await untilUsers([stays], ['dies', 'hub'])
  hub.signal('SIGSTOP')
  await dies.kill()
  await untilUsers([stays], ['hub'])
  hub.signal('SIGCONT')
  await untilPeers([hub, stays], 1)
  await untilUsers([hub, stays], ['hub'])
})

test('without a relay a process that is killed is found dead too', async () => {
  await using processes = new Processes()
  const children = await processes.addAll(3, { relays: false })
  await Promise.all(children.map((child) => join(child, usersOf(child, 20))))
  const [dies, ...rest] = children as [Child, Child, Child]
  await dies.kill()
  await untilUsers(
    rest,
    rest.flatMap((child) => usersOf(child, 20)),
  )
})

test('a reload hands over: nobody who comes back in time is ever away, and who does not is gone', async () => {
  await using processes = new Processes()
  const options = { grace: 6_000 }
  const [watches, old] = await processes.addAll(2, options)
  const users = usersOf(old!, 50)
  await join(old!, [...users, 'stays away'])
  await untilUsers([watches!], [...users, 'stays away'])
  const young = await processes.add(options)
  await tell(old!, { type: 'leave', users: users.slice(0, 25) })
  assert.equal(await tell(old!, { type: 'stop' }), 'stopped')
  await join(young, users)
  await untilUsers([watches!, young], users)
  const story = await tell<string[]>(watches!, { type: 'story' })
  const open = new Map<string, number>()
  for (const line of story) {
    const user = line.slice(1)
    const count = (open.get(user) ?? 0) + (line[0] === '+' ? 1 : line[0] === '-' ? -1 : 0)
    open.set(user, count)
    if (user !== 'stays away') assert.ok(count > 0, `${user} was away`)
  }
})

test('when all are killed at once the next process finds nobody', async () => {
  await using processes = new Processes()
  const children = await processes.addAll(3)
  await Promise.all(children.map((child) => join(child, usersOf(child, 20))))
  await Promise.all(children.map((child) => child.kill()))
  const next = await processes.add()
  assert.deepEqual(await tell(next, { type: 'list', channel }), [])
  assert.equal((await statsOf(next)).role, 'hub')
})

test('SQL can ask who is there, as the documentation says', async () => {
  await using processes = new Processes()
  const child = await processes.add()
  await join(child, ['ann', 'bob'])
  await using database = new Database({ path: processes.path, readers: false })
  await database.start()
  const rows = database.all(`
    select user, metadata ->> 'of' as name from handcar_presences
    where channel = 'room/1' and left_at is null
      and (leaves_at is null or leaves_at > unixepoch('subsec') * 1000)`)
  assert.deepEqual(rows, [
    { user: 'ann', name: 'ann' },
    { user: 'bob', name: 'bob' },
  ])
})
