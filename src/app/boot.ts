import { StateError } from '../core/index.ts'
import { SupervisedProcess, type ProcessStats } from '../supervisor/index.ts'
import { importApp, type App } from './app-module.ts'
import { Handcar, type Role } from './handcar.ts'
import { loadConfig } from './load-config.ts'
import { createLogger } from './logger.ts'
import { processStats } from './process-stats.ts'
import { workWhenServing } from './work-when-serving.ts'

/** How long the parts may take to stop after the last request, at least, in milliseconds. */
const leastGrace = 1_000

/** A process of the app that has booted. */
export interface Booted {
  supervised: SupervisedProcess
  handcar: Handcar
  app: App
}

/** What a kind of process does on top of running handcar and the app. */
export interface Work {
  /** Finishes what was begun within so many milliseconds; resolves with a report. */
  drain(order: { idle: number; timeout: number }): Promise<object>
  /** What is told at each heartbeat besides jobs and writes. Default: nothing. */
  stats?(): ProcessStats
}

/**
 * Boots a process of the app: handcar, the app's module, and then the work of this kind of process. When anything fails the
 * supervisor is told why. Jobs are performed from the moment at which the release serves. When the supervisor orders it, no job
 * is begun any more and the work is drained, then the app and handcar are stopped.
 *
 * @param begin Called when handcar and the app are ready.
 */
export async function boot(role: Role, begin: (booted: Booted) => Promise<Work>): Promise<void> {
  const supervised = SupervisedProcess.current()
  if (supervised === undefined) {
    throw new StateError('HANDCAR_NOT_RUNNING', `A ${role} process is started by a supervisor only`, {
      fix: 'Run `handcar start`.',
    })
  }
  try {
    const config = await loadConfig(process.cwd())
    const handcar = new Handcar(config, {
      role,
      logger: createLogger({ ...config.log, process: supervised.name }),
    })
    // The code of the app is read while the database is opened.
    const [makeApp] = await Promise.all([importApp(config), handcar.start()])
    const app = await makeApp(handcar)
    const work = await begin({ supervised, handcar, app })
    const rest = workWhenServing(supervised, handcar)
    const stats = processStats(handcar)
    supervised.reportStats(() => ({ ...work.stats?.(), ...stats() }))
    supervised.onDrain(async (order) => {
      const endAt = performance.now() + order.timeout
      const left = (): number => Math.max(leastGrace, endAt - performance.now())
      // Requests may enqueue jobs, and wait for them, until the last one has ended.
      const [report] = await Promise.all([work.drain(order), rest(order.timeout)])
      await withinTime(left(), app.stop?.())
      await handcar.stop({ timeout: left() })
      return report
    })
    supervised.ready()
  } catch (error) {
    await supervised.fail(error)
  }
}

/** Waits for work that may never end. */
async function withinTime(timeout: number, work: void | Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeout)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
