import { parentPort } from 'node:worker_threads'
import { servePerformer } from './performer-program.ts'

/** A thread that performs jobs. */
const port = parentPort!
port.on(
  'message',
  servePerformer((message) => port.postMessage(message)),
)
