import { servePerformer } from './performer-program.ts'

/** A process that performs jobs. It ends with the one that started it. */
process.on(
  'message',
  servePerformer((message) => process.send!(message)),
)
process.on('disconnect', () => process.exit())
