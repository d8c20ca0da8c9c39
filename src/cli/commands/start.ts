import { runSupervisor } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { readWholeNumber } from '../whole-number.ts'

type Options = { port?: string; host?: string; processes?: string }

/** `handcar start` */
export const command: Command<Options> = {
  name: 'start',
  summary: 'Run the app in production, until it is stopped',
  description: `Runs the migrations, starts the processes of the app, listens, and keeps everything running. Ctrl-C, SIGTERM and \`handcar stop\`
let requests finish and end it; SIGHUP and \`handcar reload\` put new code into service.`,
  options: [
    { flags: '--port <number>', description: 'where to listen; wins over PORT and server.port' },
    { flags: '--host <address>', description: 'where to listen; wins over HOST and server.host' },
    {
      flags: '--processes <number>',
      description: 'how many processes serve requests, or auto; wins over WEB_CONCURRENCY and processes.web',
    },
  ],
  examples: [
    'handcar start',
    'handcar start --host 0.0.0.0 --port 8080',
    'handcar start --folder /srv/news/current --processes 2',
  ],
  async run({ folder, environment }, options) {
    // Other commands end when nobody reads their output any more; this one serves on.
    process.stdout.removeAllListeners('error').on('error', () => {})
    // As variables they reach the processes of the app, and the releases to come.
    Object.assign(environment, overridesOf(options))
    const { supervisor, config, logger, stopped } = await runSupervisor(folder)
    const { address } = supervisor
    logger.info({ address, processes: config.processes.web }, `Listening at ${address}`)
    await stopped
  },
}

function overridesOf({ port, host, processes }: Options): Record<string, string> {
  return {
    ...(port !== undefined && { PORT: readWholeNumber('--port', port, { min: 0, max: 65_535 }) }),
    ...(host !== undefined && { HOST: host }),
    ...(processes !== undefined && {
      WEB_CONCURRENCY:
        processes === 'auto' ? processes : readWholeNumber('--processes', processes, { min: 1, max: 256 }),
    }),
  }
}
