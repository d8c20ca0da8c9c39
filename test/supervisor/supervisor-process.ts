import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { obeySignals, Supervisor, type ProcessSpec, type SupervisorOptions } from 'handcar/supervisor'

/** What a supervisor under test is told in its first argument. */
export interface SupervisorSettings {
  runFolder: string
  /** A folder, or a symbolic link to one, with what `web-process.ts` reads. */
  folder: string
  count?: number
  port?: number
  maxRss?: number
  /** Adds what else `Supervisor` takes. */
  options?: Partial<SupervisorOptions>
  isSuccessor?: boolean
}

const settings = JSON.parse(process.argv[2]!) as SupervisorSettings
const { runFolder, folder, count = 2, port = 0, maxRss, options, isSuccessor = false } = settings
const write = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const log = (level: string) => (fields: object, message: string) => write({ level, message, ...fields })

const supervisor = new Supervisor({
  runFolder,
  listen: isSuccessor ? { fd: 4 } : { host: '127.0.0.1', port },
  isSuccessor,
  logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
  successor: () => ({
    command: process.execPath,
    args: [...process.execArgv, process.argv[1]!, JSON.stringify({ ...settings, isSuccessor: true })],
    cwd: process.cwd(),
    environment: process.env,
  }),
  release: async () => {
    const cwd = realpathSync(folder)
    const spec: ProcessSpec = {
      kind: 'web',
      count,
      file: join(import.meta.dirname, 'web-process.ts'),
      cwd,
      acceptsConnections: true,
      ...(maxRss !== undefined && { maxRss }),
    }
    if (readFileSync(join(cwd, 'release'), 'utf8').startsWith('unprepared'))
      throw new Error('a migration failed')
    return { folder: cwd, processes: [spec] }
  },
  ...options,
})
const stopped = obeySignals(supervisor)
try {
  await supervisor.start()
  write({ event: 'started', address: supervisor.address, pid: process.pid })
  await stopped
  write({ event: 'stopped' })
} catch (error) {
  write({ event: 'failed', message: String(error), code: (error as { code?: string }).code })
  process.exitCode = 1
}
