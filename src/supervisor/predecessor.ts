import type { ChildProcess } from 'node:child_process'
import { describeFailure, restoreFailure, type Failure } from '../core/index.ts'

/**
 * How one supervisor takes over from another without a moment in which nobody listens:
 *
 * 1. the old one starts the new one, which inherits the listening socket;
 * 2. the new one boots its processes, begins to accept, and says so: `taking over`;
 * 3. the old one stops accepting, lets go of the lock, the control socket, the coordinators and the programs, and says so:
 *    `released`;
 * 4. the new one takes all that, while the old one drains its processes and ends.
 *
 * When the new one fails before step 2 it is as if nothing had been. When the old one dies in between, its locks are free.
 */
type TakeoverMessage = { type: 'taking over' } | { type: 'failed'; failure: Failure } | { type: 'released' }

/** In the new supervisor: tells the old one that it may let go, and waits until it has. */
export async function takeOver(): Promise<void> {
  const released = new Promise<void>((resolve) => {
    process.once('message', () => resolve())
    process.once('disconnect', () => resolve())
  })
  process.send?.({ type: 'taking over' } satisfies TakeoverMessage)
  await released
  if (process.connected) process.disconnect()
}

/** In the new supervisor: tells the old one why it goes on alone. */
export async function declineTakeover(error: unknown): Promise<void> {
  await new Promise<void>((resolve) => {
    const message: TakeoverMessage = { type: 'failed', failure: describeFailure(error) }
    if (process.connected) process.send!(message, undefined, undefined, () => resolve())
    else resolve()
  })
}

/** In the old supervisor: resolves when the new one is ready to take over; rejects with the reason why it is not. */
export function awaitSuccessor(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      const failure = { message: `The new supervisor ended with ${signal ?? `exit code ${code}`}` }
      reject(restoreFailure(failure, 'HANDCAR_UPGRADE_FAILED'))
    })
    child.on('message', (message) => {
      const told = message as TakeoverMessage
      if (told.type === 'taking over') resolve()
      else if (told.type === 'failed') reject(restoreFailure(told.failure, 'HANDCAR_UPGRADE_FAILED'))
    })
  })
}

/** In the old supervisor: the new one may take everything. */
export function release(child: ChildProcess): void {
  if (child.connected) child.send({ type: 'released' } satisfies TakeoverMessage, () => {})
}
