import { Coordinator, type CoordinatorOptions } from '../../src/database/index.ts'

/**
 * A coordinator in a process of its own. Says `ready`, or the code of the error that kept it from starting. With a limit for the WAL
 * it lets somebody else checkpoint.
 */
const { options, walLimit } = JSON.parse(process.argv[2]!) as {
  options: CoordinatorOptions
  walLimit?: number
}
const coordinator = new Coordinator(options)

/** What it is asked: its stats; or to let somebody else checkpoint, or to wait for them. */
export type CoordinatorRequest = 'stats' | 'giveWay' | 'awaitReplicator'

process.on('message', (request: CoordinatorRequest) => void answer(request))
process.on('disconnect', () => process.exit())
try {
  if (walLimit !== undefined) await coordinator.giveWay({ walLimit })
  await coordinator.start()
  process.send!('ready')
} catch (error) {
  process.send!((error as { code: string }).code)
}

async function answer(request: CoordinatorRequest): Promise<void> {
  if (request === 'giveWay' || request === 'awaitReplicator')
    await coordinator[request]({ walLimit: walLimit! })
  process.send!(coordinator.stats())
}
