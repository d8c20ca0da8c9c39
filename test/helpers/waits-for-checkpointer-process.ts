import { Checkpointer } from '../../src/database/checkpointer.ts'
import { readCheckpointer, type ResolvedCheckpointerOptions } from '../../src/database/options.ts'
import { standardLogger } from '../../src/core/index.ts'

/** A process that waits for nothing but its checkpointer, again and again. Ends with 0 when it was not left waiting. */

const options = readCheckpointer({}, 'checkpointer') as ResolvedCheckpointerOptions
const checkpointer = new Checkpointer(process.argv[2]!, options, standardLogger, {})
await checkpointer.start()
for (let round = 0; round < 20; round++) {
  await checkpointer.setDuty({ kind: 'watch', walLimit: 1_000_000 })
  await checkpointer.setDuty({ kind: 'checkpoint' })
}
await checkpointer.stop()
