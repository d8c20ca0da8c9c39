import { Coordinator, type CoordinatorOptions } from '../../src/database/index.ts'

/** A coordinator in a process of its own. Says `ready`, or the code of the error that kept it from starting. */
const { options } = JSON.parse(process.argv[2]!) as { options: CoordinatorOptions }
const coordinator = new Coordinator(options)

process.on('message', () => process.send!(coordinator.stats()))
process.on('disconnect', () => process.exit())
try {
  await coordinator.start()
  process.send!('ready')
} catch (error) {
  process.send!((error as { code: string }).code)
}
