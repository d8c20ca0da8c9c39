import { isMainThread } from 'node:worker_threads'
import { snooze, type RemoteJobContext } from '../../src/jobs/index.ts'

/** The module of a job that runs in a thread or a process of its own. */
export default async function perform(payload: { what: string }, job: RemoteJobContext): Promise<unknown> {
  switch (payload.what) {
    case 'where':
      job.progress({ half: true })
      job.log('working')
      return { isMainThread, pid: process.pid }
    case 'throw':
      throw new RangeError('too far')
    case 'snooze':
      return snooze('1h')
    case 'exit':
      process.exit(7)
      break
    case 'memory': {
      const hog: unknown[] = []
      for (;;) hog.push(Array.from({ length: 1_000 }, Math.random))
    }
    case 'block':
      for (;;);
    case 'listen':
      return new Promise((_resolve, reject) => {
        job.signal.addEventListener('abort', () => reject(job.signal.reason as Error))
      })
    case 'needs':
      return job.needs()
    case 'unsendable':
      return () => {}
  }
  return undefined
}
