import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { finished, Recorder, type Recording } from './power-cut-recording.ts'
import { surveyCuts, type Survey } from './power-cut-survey.ts'
import { Random } from './random.ts'
import { compileShim } from './shim.ts'
import { isSoak } from './soak.ts'

/**
 * Power cuts. The process under test runs with a library that records its calls (`power-cut-shim.c`); the disk as it may
 * be after a cut is worked out from the record (`power-cut-disk.ts`), many times, and audited. The first cuts fall into
 * the creation of the database and its folder, the last into its orderly end.
 */

const cuts = isSoak ? 2_000 : 80
const folder = temporaryFolder()
after(() => folder[Symbol.dispose]())
const { library, missing: skip } = compileShim('power-cut-shim', folder.path)
/** So small that there are many checkpoints and that the WAL begins anew again and again. */
const checkpointer = { interval: '2ms', passiveFrames: 15, restartFrames: 60 } as const
const usual = { durability: 'disk', inFlight: 4, payload: 300, limit: 600, checkpointer } as const

test('one process, started again after it has stopped', { skip }, async (t) => {
  const survey = await recordAndSurvey(t, cuts, async (recorder) => {
    await finished(recorder.writer({ ...usual, writer: 'first' }))
    await finished(recorder.writer({ ...usual, writer: 'second', inFlight: 16 }))
  })
  assert.deepEqual(survey.problems, [])
})

test('a process that is killed, then one that goes on where it ended', { skip }, async (t) => {
  const survey = await recordAndSurvey(t, cuts, async (recorder, random) => {
    for (const writer of ['first', 'second', 'third']) {
      const options = {
        inFlight: random.between(1, 33),
        payload: random.pick([10, 300, 5_000, 20_000]),
        checkpointer: random.pick([checkpointer, false as const]),
        limit: 1e6,
      }
      const die = random.between(50, options.checkpointer ? 1_500 : 3_000)
      await recorder.writer({ ...usual, ...options, writer }, die).ended
    }
    await finished(recorder.writer({ ...usual, writer: 'last' }))
  })
  assert.deepEqual(survey.problems, [])
})

for (const killed of [false, true]) {
  const end = killed ? 'is killed while it checkpoints' : 'checkpoints'
  test(`two processes and a coordinator that ${end}`, { skip }, async (t) => {
    const survey = await recordAndSurvey(t, cuts, async (recorder, random) => {
      await finished(recorder.writer({ ...usual, writer: 'founder', limit: 10 }))
      const coordinator = recorder.coordinator(checkpointer, killed ? random.between(60, 400) : 0)
      await coordinator.started
      const options = { ...usual, payload: random.pick([10, 1_000, 5_000]) }
      const writers = ['first', 'second'].map((writer) => recorder.writer({ ...options, writer }))
      await finished(...writers)
      await coordinator.finish()
      await finished(coordinator)
    })
    assert.deepEqual(survey.problems, [])
  })
}

test('the test can fail: durability "os" loses acknowledged writes', { skip }, async (t) => {
  const survey = await recordAndSurvey(t, cuts, async (recorder) => {
    await finished(recorder.writer({ ...usual, writer: 'careless', durability: 'os' }))
  })
  assert.match(survey.problems.join(), /lost: \d+ of \d+ acknowledged by careless/)
})

for (const [what, lie] of [
  ['the WAL', '-wal'],
  ['the database file', '.sqlite3'],
  ['folders', '/data'],
]) {
  test(`the test can fail: a disk that only pretends to sync ${what}`, { skip }, async (t) => {
    const work = async (recorder: Recorder): Promise<void> => {
      await finished(recorder.writer({ ...usual, writer: 'deceived' }))
    }
    const survey = await recordAndSurvey(t, cuts, work, lie)
    assert.match(
      survey.problems.join(),
      /lost: \d+ of \d+ acknowledged by deceived|integrity_check|cannot be opened/,
    )
  })
}

async function recordAndSurvey(
  t: TestContext,
  count: number,
  work: (recorder: Recorder, random: Random) => Promise<void>,
  lie?: string,
): Promise<Survey> {
  const random = new Random()
  t.diagnostic(`HANDCAR_SEED=${random.seed}`)
  using scene = temporaryFolder()
  const recorder = new Recorder(scene.path, library!, lie)
  await work(recorder, random)
  const recording = recorder.read()
  const survey = await surveyCuts(recording, count, random, scene.file('image'))
  t.diagnostic(`${describe(recording)}; ${survey.cuts} cuts, ${survey.images} disks audited`)
  return survey
}

function describe({ entries, path }: Recording): string {
  const count = (isCounted: (entry: Recording['entries'][number]) => boolean): number =>
    entries.filter(isCounted).length
  const walFiles = count((entry) => entry.kind === 'create' && entry.path === `${path}-wal`)
  const walBegins = count((entry) => entry.kind === 'write' && entry.offset === 0 && entry.data.length === 32)
  const syncs = count(({ kind }) => kind === 'sync-end')
  return `${entries.length} calls, ${syncs} syncs, ${walFiles} WAL files, begun ${walBegins} times`
}
