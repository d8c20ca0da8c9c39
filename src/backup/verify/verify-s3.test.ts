import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupTargets } from '../../../test/helpers/backup-targets.ts'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { temporaryDatabase } from '../../testing/index.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { readReplicas } from '../litestream/replica.ts'
import { BackupFolder } from '../litestream/folder.ts'
import { migrations } from './migrations.ts'
import { readReplicaContents } from './replica-contents.ts'
import { lastVerdict } from './verification.ts'
import { verifyBackup } from './verify-backup.ts'

for (const line of ['0.3', '0.5'] as const) {
  const skip = litestreams[line].isMissing || backupTargets.s3.isMissing

  test(
    `a bucket that refuses the keys, or does not answer, is inconclusive (Litestream ${line})`,
    { skip, timeout: 120_000 },
    async () => {
      using folder = temporaryFolder()
      await using database = await temporaryDatabase({ partMigrations: { backup: migrations } })
      await using target = await backupTargets.s3.start()
      const replicas = readReplicas([target.replica], 'replicas')
      const binary = { path: litestreams[line].path, line, version: line, origin: 'setting' } as const
      const place = new BackupFolder(folder.path)
      const options = { database, name: 'app', replicas, binary, folder: place }
      const wrong = { ...target.environment, LITESTREAM_ACCESS_KEY_ID: 'SOMEBODYELSE' }
      const [refused] = await verifyBackup({ ...options, environment: wrong, patience: '3s' })
      assert.equal(refused!.verdict, 'inconclusive')
      assert.match(refused!.reason!, /could not be read: [^]*InvalidAccessKeyId/)
      assert.doesNotMatch(JSON.stringify(refused), /SOMEBODYELSE/)

      target.freeze()
      try {
        const [silent] = await verifyBackup({ ...options, environment: target.environment, timeout: '5s' })
        assert.deepEqual(
          [silent!.verdict, silent!.reason],
          ['inconclusive', 'It took longer than the time limit'],
        )
        const contents = await readReplicaContents({
          database: { name: 'app', path: database.path },
          replica: replicas[0]!,
          binary,
          environment: target.environment,
          folder: place,
          timeout: 2_000,
        })
        assert.deepEqual(contents, { error: 'It did not answer within 2 s' })
      } finally {
        target.thaw()
      }
      assert.equal(lastVerdict(database), undefined)
    },
  )
}
