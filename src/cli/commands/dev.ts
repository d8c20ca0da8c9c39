import { loadConfig } from '../../app/index.ts'
import { Door } from '../../supervisor/index.ts'
import type { Command, Output } from '../command.ts'
import { DevServer } from '../dev/dev-server.ts'
import type { DevFailure } from '../dev/protocol.ts'
import { FolderWatch } from '../dev/watch-folder.ts'
import { formatDuration } from '../format.ts'
import { readWholeNumber } from '../whole-number.ts'

type Options = { port?: string; host?: string }

/** `handcar dev` */
export const command: Command<Options> = {
  name: 'dev',
  summary: 'Run the app while working on it: every saved file is in service at once',
  description: `One process, NODE_ENV=development, a log for people. When a file of the app, the configuration or .env changes, new migrations
run and the app starts again; requests wait meanwhile. An app that does not start answers with the error. Changes of
node_modules, of the data folder and of folders whose names begin with a dot do not count.`,
  options: [
    { flags: '--port <number>', description: 'where to listen; wins over PORT and server.port' },
    { flags: '--host <address>', description: 'where to listen; wins over HOST and server.host' },
  ],
  examples: ['handcar dev', 'handcar dev --port 8080', 'LOG_LEVEL=debug handcar dev'],
  async run({ folder, output, environment }, { port, host }) {
    if (port !== undefined) environment['PORT'] = readWholeNumber('--port', port, { min: 0, max: 65_535 })
    if (host !== undefined) environment['HOST'] = host
    const inherited = { ...environment }
    const { server, data, branch } = await loadConfig(folder, { defaultEnvironment: 'development' })
    const { color } = output
    const app = new DevServer({
      folder,
      environment: inherited,
      onReady(duration, changed) {
        const what = changed === undefined ? 'Started' : `Reloaded ${changed}`
        output.line(`${color.green(what)} in ${formatDuration(duration)}`)
      },
      onFailure(failure) {
        printFailure(failure, output)
        output.line(color.dim('Waiting for a change.'))
      },
    })
    const door = new Door(server.socket === undefined ? server : { path: server.socket }, app)
    await door.open()
    output.line(`Listening at ${color.bold(door.address ?? '')}, watching ${folder}`)
    using _watch = await FolderWatch.open({
      folder,
      ignored: [branch?.root ?? data],
      onChange: (path) => void app.restart(path),
    })
    await app.restart()
    await new Promise(() => {})
  },
}

function printFailure({ story, fix, code }: DevFailure, output: Output): void {
  output.warn(`${output.color.red('error:')} ${story}`)
  if (fix !== undefined) output.warn(`fix:   ${fix}`)
  if (code !== undefined) output.warn(`code:  ${code}`)
}
