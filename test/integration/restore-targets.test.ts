import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { auditRestored } from '../crash/backup-audit.ts'
import { backupTargets, type BackupTarget } from '../helpers/backup-targets.ts'
import { LedgerLoad, type Commit } from '../helpers/ledger-load.ts'
import { litestreams } from '../helpers/litestream.ts'
import { ReplicatedMachine, type MachineOptions } from '../helpers/replicated-machine.ts'

/** Other keys than those of the bucket; the secret that belongs to a key s3rver does not look at. */
const wrongKeys = { LITESTREAM_ACCESS_KEY_ID: 'somebody-else', LITESTREAM_SECRET_ACCESS_KEY: 'wrong' }
const quick = { writers: 2, pause: 1 }

/** Starts the app of a machine, lets it write, and waits until everything is replicated. */
async function work(machine: ReplicatedMachine, name: string): Promise<Commit[]> {
  await using load = new LedgerLoad(await machine.start(), name, quick)
  await load.untilMore(60)
  await load.end()
  await machine.untilReplicated()
  return load.commits
}

/** What a command says; fails when it does not end as expected. */
async function said(machine: ReplicatedMachine, words: string[], expected: number): Promise<string> {
  const { code, output, errors } = await machine.run(words)
  assert.equal(code, expected, output + errors)
  return output + errors
}

async function assertHasAll(path: string, commits: readonly Commit[]): Promise<void> {
  const { kept } = await auditRestored(path, commits)
  assert.equal(kept.length, commits.length)
}

for (const kind of ['s3', 'sftp'] as const)
  for (const line of ['0.5', '0.3'] as const)
    test(
      `an app moves from machine to machine, and comes back after the loss of one, by ${kind} (Litestream ${line})`,
      { skip: litestreams[line].isMissing || backupTargets[kind].isMissing, timeout: 300_000 },
      async () => {
        await using target = await backupTargets[kind].start()
        await using machines = new AsyncDisposableStack()
        const machine = (options: Partial<MachineOptions> = {}): ReplicatedMachine =>
          machines.use(
            new ReplicatedMachine({ line, target, backup: { restoreIfMissing: true }, ...options }),
          )

        // The first deployment begins with an empty database, and moves in good order.
        const first = machine()
        const commits = await work(first, 'first')
        assert.match(first.output, /there is no backup yet/)
        const second = machine()
        assert.match(await said(second, ['start'], 1), /HANDCAR_REPLICA_OWNED/, 'two machines at a time')
        assert.ok(!existsSync(second.database))
        await first.stop()
        commits.push(...(await work(second, 'second')))
        assert.match(second.output, /restored the database/)

        // Beside the running app, the newest and an older state.
        await said(second, ['restore', '--to', 'look'], 0)
        await assertHasAll(second.folder.file('look/app.sqlite3'), commits)

        // It is lost without a word.
        await second.kill('everything')
        await second.ended()
        second.lose()
        const third = machine()
        assert.match(await said(third, ['start'], 1), /HANDCAR_REPLICA_OWNED/)
        assert.match(await said(third, ['restore'], 1), /has not let go/)
        assert.ok(!existsSync(third.database))
        await said(third, ['restore', '--take-over'], 0)
        await assertHasAll(third.database, commits)
        commits.push(...(await work(third, 'third')))
        const replicatedAt = Date.now()

        // The first one is started by mistake: it serves, and sends nothing.
        await first.start()
        await first.wrote(/No backup is made: .* belongs to /)
        await first.stop()
        await third.stop()
        const fourth = machine()
        // Some targets cut times to seconds.
        const moment = new Date(replicatedAt + 1_000).toISOString()
        await said(fourth, ['restore', '--at', moment], 0)
        await assertHasAll(fourth.database, commits)
        commits.push(...(await work(fourth, 'fourth')))
        await fourth.stop()
        await said(fourth, ['restore', '--to', 'look'], 0)
        await assertHasAll(fourth.folder.file('look/app.sqlite3'), commits)
      },
    )

for (const line of ['0.5', '0.3'] as const) {
  const skip = litestreams[line].isMissing || backupTargets.s3.isMissing || backupTargets.sftp.isMissing
  test(
    `a target that cannot be read is not an empty one: nothing is restored, and nothing begins anew (Litestream ${line})`,
    { skip, timeout: 300_000 },
    async () => {
      await using s3 = await backupTargets.s3.start()
      await using sftp = await backupTargets.sftp.start()
      const unreadable: Record<string, { target: BackupTarget; environment?: Record<string, string> }> = {
        'wrong keys': { target: s3, environment: wrongKeys },
        // s3rver lets in who shows no keys at all, which 0.3 then does.
        ...(line === '0.5' && { 'no keys': { target: withoutKeys(s3) } }),
        'a bucket that is not there': { target: at(s3, { bucket: 'nothing' }) },
        'a server that is not there': { target: at(s3, { endpoint: 'http://127.0.0.1:10' }) },
        'a port that is not there': { target: at(sftp, { port: 9 }) },
        'a key that does not fit': { target: at(sftp, { keyPath: '/etc/hostname' }) },
      }
      for (const [name, options] of Object.entries(unreadable)) {
        await using machine = new ReplicatedMachine({ line, backup: { restoreIfMissing: true }, ...options })
        for (const words of [['restore'], ['start']]) {
          const text = await said(machine, words, 1)
          assert.match(text, /HANDCAR_(?:RESTORE_FAILED|REPLICA|BACKUP)/, `${name}: ${text}`)
          assert.doesNotMatch(text, /wrong|S3RVER/, 'no secret is printed')
          assert.ok(!existsSync(machine.database), `${name}: no database begins`)
        }
      }
    },
  )
}

function at(target: BackupTarget, place: object): BackupTarget {
  return { ...target, replica: { ...target.replica, ...place } }
}

function withoutKeys(target: BackupTarget): BackupTarget {
  return { ...target, environment: {} }
}
