import { describeFailure } from '../core/index.ts'
import { createLogger } from './logger.ts'
import { loadConfig } from './load-config.ts'
import { prepareRelease } from './prepare.ts'
import type { PrepareOrder, PrepareReport } from './prepare-protocol.ts'

/** What a process does that prepares a release: told by its first argument, tells its parent, and ends. */
export async function prepareForSupervisor(): Promise<void> {
  // Whatever is half done is taken back: each migration is one transaction.
  process.once('disconnect', () => process.exit(1))
  const { folder, data, defaultEnvironment } = JSON.parse(process.argv[2]!) as PrepareOrder
  const report = (message: PrepareReport): Promise<void> =>
    new Promise((resolve) => {
      process.send!(message, undefined, undefined, () => resolve())
    })
  try {
    const wanted = await loadConfig(folder, { defaultEnvironment })
    const config = await loadConfig(folder, {
      defaultEnvironment,
      overrides: { HANDCAR_DATA: data, HANDCAR_BRANCHES: '0' },
    })
    const logger = createLogger({ ...config.log, process: 'prepare' })
    const progress = (message: string): void => void report({ type: 'progress', message })
    const manifest = await prepareRelease(config, { logger, progress })
    const fixed = { ...manifest.fixed, data: wanted.data }
    await report({ type: 'prepared', manifest: { ...manifest, fixed } })
    process.exit(0)
  } catch (error) {
    await report({ type: 'failed', failure: describeFailure(error) })
    process.exit(1)
  }
}
