import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dueTicks } from './due-ticks.ts'
import { readCron, readSchedule, readTimeZone } from './schedule.ts'

const at = (text: string): number => Date.parse(text)

function ticks(text: string, timeZone: string, from: string, count: number): string[] {
  const schedule = readSchedule(text, timeZone)
  const all: string[] = []
  let tick: number | undefined = at(from)
  while (all.length < count && (tick = schedule.next(tick)) !== undefined)
    all.push(new Date(tick).toISOString().replace('.000Z', 'Z'))
  return all
}

test('an interval has its ticks at its multiples', () => {
  assert.deepEqual(ticks('every 300000', 'UTC', '2026-01-01T00:01:00Z', 2), [
    '2026-01-01T00:05:00Z',
    '2026-01-01T00:10:00Z',
  ])
  assert.deepEqual(ticks('every 86400000', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T00:00:00Z',
    '2026-03-30T00:00:00Z',
  ])
  const schedule = readSchedule('every 1000', 'UTC')
  assert.equal(schedule.next(5_000), 6_000)
  assert.equal(schedule.next(5_999), 6_000)
  assert.deepEqual(schedule.last(3, 0, 5_000), [3_000, 4_000, 5_000])
  assert.deepEqual(schedule.last(3, 4_500, 5_000), [5_000])
  assert.deepEqual(schedule.last(3, 5_001, 5_999), [])
})

test('a cron expression with seconds, with years, a word', () => {
  assert.deepEqual(ticks('*/20 * * * * *', 'UTC', '2026-01-01T00:00:00Z', 2), [
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
  ])
  assert.deepEqual(ticks('0 0 12 1 1 * 2027', 'UTC', '2026-01-01T00:00:00Z', 2), ['2027-01-01T12:00:00Z'])
  assert.deepEqual(ticks('@daily', 'America/New_York', '2026-01-01T00:00:00Z', 1), ['2026-01-01T05:00:00Z'])
  assert.deepEqual(ticks('0 9 L * *', 'UTC', '2026-02-01T00:00:00Z', 1), ['2026-02-28T09:00:00Z'])
})

test('clocks set forward: a time of day that does not exist comes at the end of the gap, others are left out', () => {
  // On 29 March 2026, 02:00 to 03:00 does not exist in Berlin.
  const from = '2026-03-28T12:00:00Z'
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', from, 2), [
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
  ])
  assert.deepEqual(ticks('15,45 2 * * *', 'Europe/Berlin', from, 3), [
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:15:00Z',
    '2026-03-30T00:45:00Z',
  ])
  assert.deepEqual(ticks('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3), [
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:30:00Z',
  ])
})

test('clocks set back: a time of day that comes twice ticks once, others tick each time', () => {
  // On 25 October 2026, 02:00 to 03:00 comes twice in Berlin.
  const from = '2026-10-24T12:00:00Z'
  assert.deepEqual(ticks('30 2 * * *', 'Europe/Berlin', from, 2), [
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ])
  assert.deepEqual(ticks('0 2-3 * * *', 'Europe/Berlin', from, 3), [
    '2026-10-25T00:00:00Z',
    '2026-10-25T02:00:00Z',
    '2026-10-26T01:00:00Z',
  ])
  assert.deepEqual(ticks('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 3), [
    '2026-10-25T00:00:00Z',
    '2026-10-25T01:00:00Z',
    '2026-10-25T02:00:00Z',
  ])
})

test('looking back finds the same ticks as going forward, over a year with both changes', () => {
  const end = at('2027-01-01T00:00:00Z')
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago']
  for (const zone of zones) {
    for (const text of [
      '30 2 * * *',
      '0 0 * * *',
      '15,45 1-3 * * *',
      '*/15 * * * *',
      '0 */5 * * 1',
      '7 30 3 L * *',
      '59 23 * * 0',
    ]) {
      const schedule = readSchedule(text, zone)
      for (const center of [
        '2026-03-08',
        '2026-03-29',
        '2026-04-05',
        '2026-09-06',
        '2026-10-04',
        '2026-10-25',
        '2026-11-01',
      ]) {
        const from = at(`${center}T00:00:00Z`) - 36 * 3_600_000
        const until = Math.min(end, from + 96 * 3_600_000)
        const forward: number[] = []
        let tick: number | undefined = from
        while ((tick = schedule.next(tick)) !== undefined && tick <= until) forward.push(tick)
        assert.deepEqual(
          schedule.last(1_000, from + 1, until),
          forward,
          `${text} in ${zone} around ${center}`,
        )
        // The ticks of two halves are the ticks of the whole, wherever it is cut.
        const cut = from + Math.floor(Math.random() * (until - from))
        const halves = [...schedule.last(1_000, from + 1, cut), ...schedule.last(1_000, cut + 1, until)]
        assert.deepEqual(halves, forward, `${text} in ${zone} cut at ${cut}`)
      }
    }
  }
})

test('a tick belongs to the time before it, to the millisecond', () => {
  const schedule = readSchedule('0 9 * * *', 'UTC')
  const tick = at('2026-01-01T09:00:00Z')
  assert.equal(schedule.next(tick - 1), tick)
  assert.notEqual(schedule.next(tick), tick)
  assert.notEqual(schedule.next(tick + 1), tick)
  assert.deepEqual(schedule.last(1, 0, tick - 1), [tick - 86_400_000])
  assert.deepEqual(schedule.last(1, 0, tick), [tick])
  assert.deepEqual(schedule.last(1, tick + 1, tick + 500), [])
})

test('which ticks run that come late', () => {
  const schedule = readSchedule('every 60000', 'UTC')
  const now = 10 * 60_000 + 5
  assert.deepEqual(dueTicks(schedule, 'one', 0, now), [600_000])
  assert.deepEqual(dueTicks(schedule, { all: 3 }, 0, now), [480_000, 540_000, 600_000])
  assert.deepEqual(dueTicks(schedule, { all: 100 }, 420_000, now), [480_000, 540_000, 600_000])
  assert.deepEqual(dueTicks(schedule, 'skip', 0, now), [600_000])
  const daily = readSchedule('0 9 * * *', 'UTC')
  const morning = at('2026-01-05T09:00:00Z')
  assert.deepEqual(dueTicks(daily, 'skip', 0, morning + 60_000), [morning])
  assert.deepEqual(dueTicks(daily, 'skip', 0, morning + 60_001), [])
  assert.deepEqual(dueTicks(daily, 'one', 0, morning + 60_001), [morning])
})

test('a schedule that can never tick, or that is none, is refused with the reason', () => {
  const refused = (text: unknown, reason: RegExp): void =>
    assert.throws(() => readCron(text, 'option "cron"'), { code: 'HANDCAR_OPTION_INVALID', message: reason })
  refused('0 0 30 2 *', /no such date ever comes/)
  refused('0 0 31 4,6,9,11 *', /no such date ever comes/)
  refused('0 9 * *', /5, 6 or 7 fields/)
  refused('', /5, 6 or 7 fields/)
  refused('60 * * * *', /expected a cron expression .* got "60 \* \* \* \*"/)
  refused('bogus * * * *', /bogus/)
  refused('2027-01-01T00:00:00', /5, 6 or 7 fields/)
  refused('? * * * *', /stands for the time at which the program was started/)
  refused('@never', /@never/)
  refused(5, /got number 5/)
  refused(undefined, /got undefined/)
  assert.equal(readCron(' 0  9 * * *\t', ''), '0 9 * * *')
  for (const zone of ['Mars/Olympus', '', 7])
    assert.throws(() => readTimeZone(zone, 'option "timeZone"'), { code: 'HANDCAR_OPTION_INVALID' })
  assert.equal(readTimeZone(undefined, ''), 'UTC')
  const lower = readSchedule('0 9 * * *', readTimeZone('europe/berlin', ''))
  assert.equal(lower.next(at('2026-01-01T00:00:00Z')), at('2026-01-01T08:00:00Z'))
})
