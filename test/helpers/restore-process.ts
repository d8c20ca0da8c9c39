import { restoreFromReplicas, type RestoreOptions } from '../../src/backup/restore/restore.ts'

/** A process that restores a database and ends. Says `restoring` when it begins. */
const options = JSON.parse(process.argv[2]!) as RestoreOptions
process.on('disconnect', () => process.exit())
process.send!('restoring')
await restoreFromReplicas(options)
process.exit()
