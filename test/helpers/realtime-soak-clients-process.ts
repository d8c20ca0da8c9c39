import { Database } from '../../src/database/index.ts'
import { connect, type LiveChannel, type RealtimeClient } from '../../src/realtime/client/index.ts'
import { parsePosition } from '../../src/realtime/protocol.ts'
import type { soakChannels, SoakMessage } from './realtime-soak-channels.ts'
import { waitUntil } from './wait-until.ts'

/** Many clients in one process, with a checker of everything that they have received. */
const { url, path, name, count, rooms, each, from, streams } = JSON.parse(process.argv[2]!) as {
  url: string
  path: string
  name: string
  count: number
  rooms: number
  /** How many rooms each client listens to. */
  each: number
  from: string
  /** Of so many clients one is an event stream; 0: none. */
  streams: number
}

/** What the process can be told. */
export type SoakClientsOrder =
  | { type: 'untilOpen'; timeout: number }
  /** Sends a number now and then. */
  | { type: 'send' }
  /** Waits until everybody has everything and every answer, and compares it with what was written. */
  | { type: 'check'; timeout: number }
  | { type: 'states' }
  /** Waits until each client of a lobby sees exactly these users. */
  | { type: 'untilPresent'; id: number; users: string[]; timeout: number }

/** What is found by the checker. */
export interface SoakReport {
  clients: number
  views: number
  messages: number
  gaps: number
  sent: number
  /** Milliseconds from publish to receipt, of the messages that were received live enough. */
  latency: { p50: number; p99: number; max: number }
  problems: string[]
}

/** What one client has heard of one room, in its order; a gap is a position. */
interface View {
  client: string
  room: number
  live: { position: string | undefined }
  heard: (number | string)[]
}

type Client = RealtimeClient<typeof soakChannels>

const views: View[] = []
const clients = new Map<string, Client>()
const lobbies = new Map<string, { id: number; users: string[] }>()
const problems: string[] = []
const latencies: number[] = []
let sent = 0
const sending = { isOn: false }
const answered: { client: string; number: number }[] = []

for (let index = 0; index < count; index++) {
  const id = `${name}-${index}`
  const transport = streams > 0 && index % streams === 0 ? 'sse' : 'websocket'
  const client: Client = connect<typeof soakChannels>(url, { transport, token: id })
  clients.set(id, client)
  for (let number = 0; number < each; number++) listen(client, id, (index + number * 7) % rooms)
  if (index % 4 === 0) enter(client, id, index % 3)
}

function listen(client: Client, id: string, room: number): void {
  const live = client.channel('room/:id', { id: room }, { from })
  const view: View = { client: id, room, live, heard: [] }
  views.push(view)
  live.on('posted', (message: SoakMessage, { offset }) => {
    if (message.room !== room) problems.push(`${id} got a message of room ${message.room} in room ${room}`)
    view.heard.push(offset!)
    if (latencies.length < 1_000_000) latencies.push(Date.now() - message.at)
  })
  live.onGap(({ position }) => view.heard.push(position))
  live.onEnd((error) => problems.push(`${id} was ended in room ${room}: ${error.code}`))
}

function enter(client: Client, user: string, id: number): void {
  const seen = { id, users: [] as string[] }
  lobbies.set(user, seen)
  const live: Pick<LiveChannel, 'onPresence'> = client.channel('lobby/:id', { id }, { presence: { user } })
  live.onPresence(({ present }) => (seen.users = [...new Set(present.map((entry) => entry.user))].sort()))
}

function send(): void {
  sending.isOn = true
  for (const [id, client] of [...clients].filter((_, index) => index % 10 === 0)) {
    const box = client.channel('box', {})
    let number = 0
    const next = async (): Promise<void> => {
      while (sending.isOn) {
        const put = number++
        sent++
        const result = await box.send('put', { number: put })
        if (result !== put) problems.push(`${id} sent ${put} and got the answer ${JSON.stringify(result)}`)
        answered.push({ client: id, number: put })
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    next().catch((error: unknown) => problems.push(`${id} could not send: ${String(error)}`))
  }
}

async function check(timeout: number): Promise<SoakReport> {
  sending.isOn = false
  await using database = new Database({ path, readers: false })
  await database.start()
  const truth = new Map<number, number[]>()
  for (const { room, offset } of database.all<{ room: number; offset: number }>(
    'select room, offset from truth order by offset',
  ))
    truth.set(room, add(truth.get(room), offset))
  await waitUntil(
    'everything is received and answered',
    () =>
      answered.length === sent &&
      views.every(({ room, live }) => {
        const last = truth.get(room)?.at(-1) ?? 0
        return live.position !== undefined && parsePosition(live.position)!.offset >= last
      }),
    timeout,
  ).catch((error: unknown) => problems.push(String(error)))
  const { epoch } = database.get<{ epoch: string }>('select epoch from handcar_realtime_state')!
  let gaps = 0
  let messages = 0
  for (const view of views) {
    gaps += view.heard.filter((heard) => typeof heard === 'string').length
    messages += view.heard.length
    const problem = compare(view, truth.get(view.room) ?? [], epoch)
    if (problem !== undefined && problems.length < 50)
      problems.push(`${view.client} in room ${view.room}: ${problem}`)
  }
  checkSent(database)
  latencies.sort((one, other) => one - other)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  const latency = { p50: at(0.5), p99: at(0.99), max: latencies.at(-1) ?? 0 }
  return { clients: clients.size, views: views.length, messages, gaps, sent, latency, problems }
}

function add(list: number[] | undefined, offset: number): number[] {
  if (list === undefined) return [offset]
  list.push(offset)
  return list
}

/** What came must be what was written, from the position at the beginning or the last gap on; before a gap it may break off. */
function compare({ heard }: View, offsets: readonly number[], epoch: string): string | undefined {
  let at = parsePosition(from)!
  let next = indexAfter(offsets, at.offset)
  for (const each of heard) {
    if (typeof each === 'string') {
      const to = parsePosition(each)!
      if (to.epoch === at.epoch && to.offset < at.offset)
        return `a gap goes back from ${at.offset} to ${to.offset}`
      at = to
      next = indexAfter(offsets, at.offset)
    } else if (at.epoch !== epoch) {
      // Of a time that was taken back; only the order can be looked at.
      if (each <= at.offset) return `${each} came after ${at.offset}`
      at = { ...at, offset: each }
    } else {
      if (each !== offsets[next]) return `${each} came after ${at.offset}, expected ${offsets[next]}`
      at = { ...at, offset: each }
      next++
    }
  }
  if (at.epoch !== epoch) return `it never heard of the epoch ${epoch}`
  return next === offsets.length ? undefined : `${offsets.length - next} are missing after ${at.offset}`
}

/** Index of the first offset above a given one. */
function indexAfter(offsets: readonly number[], after: number): number {
  let [low, high] = [0, offsets.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (offsets[middle]! > after) high = middle
    else low = middle + 1
  }
  return low
}

function checkSent(database: Database): void {
  const rows = database.all<{ client: string; number: number; times: number }>(
    'select client, number, count(*) as times from box group by client, number',
  )
  const times = new Map(rows.map((row) => [`${row.client} ${row.number}`, row.times]))
  for (const { client, number } of answered)
    if (times.get(`${client} ${number}`) !== 1)
      problems.push(
        `${client} ${number} was answered, and handled ${times.get(`${client} ${number}`) ?? 0} times`,
      )
  for (const row of rows)
    if (row.times > 1) problems.push(`${row.client} ${row.number} was handled ${row.times} times`)
}

function states(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { state } of clients.values()) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

async function obey(order: SoakClientsOrder): Promise<unknown> {
  switch (order.type) {
    case 'untilOpen':
      await waitUntil('all are open', () => states().open === count, order.timeout)
      await waitUntil(
        'all have begun',
        () => views.every(({ live }) => live.position !== undefined),
        order.timeout,
      )
      return states()
    case 'send':
      send()
      return 'begun'
    case 'check':
      return await check(order.timeout)
    case 'untilPresent': {
      const expected = order.users.join()
      const startedAt = performance.now()
      await waitUntil(
        'all see who is there',
        () => [...lobbies.values()].every(({ id, users }) => id !== order.id || users.join() === expected),
        order.timeout,
      )
      return performance.now() - startedAt
    }
    default:
      return states()
  }
}

process.on('message', (order: SoakClientsOrder) => {
  obey(order).then(
    (answer) => process.connected && process.send!({ answer }),
    (error: unknown) => process.connected && process.send!({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send!({ answer: 'ready' })
