import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import {
  createLogger,
  Handcar,
  importApp,
  loadConfig,
  prepareRelease,
  webServer,
  type App,
  type ResolvedConfig,
} from '../../app/index.ts'
import { HandcarError, type Logger } from '../../core/index.ts'
import type { Server } from '../../server/index.ts'
import { trimStack } from '../trim-stack.ts'
import type { DevFailure, DevOrder, DevReport } from './protocol.ts'

/** How long requests may go on when the code has changed, in milliseconds. */
const drainTimeout = 100

interface Running {
  handcar: Handcar
  app: App
  server: Server
}

/**
 * Waits, with everything but the app loaded, for the order to begin: so the app starts within a fraction of the time that a
 * new Node takes.
 */
export function waitForOrders(): void {
  let running: Promise<Running> | undefined
  process.once('disconnect', () => process.exit())
  process.on('uncaughtExceptionMonitor', (error) => report({ type: 'failed', failure: describe(error) }))
  process.on('message', (order: DevOrder, socket?: Socket) => {
    if (order.type === 'begin') {
      running = run(order.folder)
      running.then(
        () => report({ type: 'ready' }),
        (error: unknown) => report({ type: 'failed', failure: describe(error) }),
      )
    } else if (order.type === 'connection') {
      report({ type: 'accepted', id: order.id })
      if (socket) void running?.then(({ server }) => server.accept(reportingAnswer(socket, order.id)))
      // The client has gone in the meantime.
      else report({ type: 'answering', id: order.id })
    } else {
      void stop(running)
    }
  })
}

async function run(folder: string): Promise<Running> {
  const config = await loadConfig(folder, { defaultEnvironment: 'development' })
  const logger = createLogger(config.log)
  const [makeApp, handcar] = await Promise.all([importApp(config), startHandcar(config, logger)])
  const app = await makeApp(handcar)
  const server = await webServer(handcar, app)
  await server.start()
  await handcar.work()
  return { handcar, app, server }
}

async function startHandcar(config: ResolvedConfig, logger: Logger): Promise<Handcar> {
  await prepareRelease(config, { logger })
  const handcar = new Handcar(config, { role: 'web', logger })
  await handcar.start()
  return handcar
}

/** Tells when something is written for the first time, or the connection closes before. */
function reportingAnswer(socket: Socket, id: number): Socket {
  const tell = (): void => {
    Reflect.deleteProperty(socket, 'write')
    report({ type: 'answering', id })
  }
  socket.once('close', tell)
  const write = (...parameters: Parameters<Socket['write']>): boolean => {
    socket.off('close', tell)
    tell()
    return socket.write(...parameters)
  }
  return Object.defineProperty(socket, 'write', { value: write, configurable: true })
}

/** The process that waits for this one ends it when it takes too long. */
async function stop(running: Promise<Running> | undefined): Promise<void> {
  try {
    const { handcar, app, server } = (await running) ?? {}
    await Promise.all([
      server?.drain({ timeout: drainTimeout, idle: 0 }),
      handcar?.jobs.rest({ timeout: drainTimeout }),
    ])
    await app?.stop?.()
    await handcar?.stop({ timeout: drainTimeout })
  } finally {
    process.exit()
  }
}

function report(message: DevReport): void {
  if (process.connected) process.send!(message)
}

function describe(error: unknown): DevFailure {
  if (!(error instanceof Error)) return { message: String(error), story: inspect(error) }
  const { message, stack = message, cause } = error
  if (!(error instanceof HandcarError)) return { message, story: trimStack(inspect(error)) }
  const story = cause === undefined ? stack : `${stack}\n\ncause: ${inspect(cause)}`
  return { message, story: trimStack(story), code: error.code, fix: error.fix }
}
