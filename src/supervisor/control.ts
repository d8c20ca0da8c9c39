import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { StateError, restoreFailure } from '../core/index.ts'
import { controlSocketPath, type ControlAnswer, type ControlCommand } from './control-protocol.ts'

/** Options of {@link control}. */
export interface ControlOptions {
  /** Told what the supervisor is doing. */
  onProgress?: (message: string) => void
}

/**
 * Asks the supervisor that runs in a folder for something, and waits until it is done. What fails there is thrown here.
 *
 * @param runFolder The data folder of the app.
 * @throws StateError `HANDCAR_NOT_RUNNING`
 */
export async function control<Result>(
  runFolder: string,
  command: ControlCommand,
  { onProgress = () => {} }: ControlOptions = {},
): Promise<Result> {
  const socket = await connected(runFolder)
  socket.on('error', () => {})
  socket.write(`${command}\n`)
  for await (const line of createInterface({ input: socket })) {
    const answer = JSON.parse(line) as ControlAnswer
    if ('progress' in answer) onProgress(answer.progress)
    else if ('failure' in answer) throw restoreFailure(answer.failure, 'HANDCAR_CONTROL_FAILED')
    else return answer.result as Result
  }
  throw new StateError('HANDCAR_CONTROL_FAILED', `The supervisor ended before it had answered ${command}`)
}

async function connected(runFolder: string): Promise<Socket> {
  const socket = connect(controlSocketPath(runFolder))
  try {
    await once(socket, 'connect')
    return socket
  } catch (cause) {
    throw new StateError('HANDCAR_NOT_RUNNING', `No supervisor runs in ${runFolder}`, { cause })
  }
}
