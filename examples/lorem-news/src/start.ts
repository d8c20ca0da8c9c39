import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { readConfiguration, type Configuration } from './configuration.ts'
import { prepareDatabase } from './database/prepare.ts'
import { runPrimary } from './processes/primary.ts'
import { stopOnSignal } from './processes/signals.ts'
import { seededPassword } from './seeds/insert.ts'
import { listen, serve } from './server.ts'
import { sessionSecret } from './session-secret.ts'

/** Starts the app as the environment says, or says in one line why it cannot and ends the process. */
export async function start(): Promise<void> {
  try {
    const configuration = readConfiguration(process.env)
    await (cluster.isPrimary ? startAll(configuration) : serveUntilStopped(configuration))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}

async function startAll(configuration: Configuration): Promise<void> {
  await refuseTakenPort(configuration)
  sessionSecret(configuration)
  const somebody = await prepareDatabase(configuration)
  const run = configuration.processes > 1 ? runPrimary : serveUntilStopped
  welcome(configuration, await run(configuration), somebody)
}

/**
 * Serves from this process: the only one, or one of several that share the port through the primary. When the primary dies,
 * node:cluster ends its processes too.
 */
async function serveUntilStopped(configuration: Configuration): Promise<number> {
  const server = await serve(configuration)
  stopOnSignal(() => server.stop())
  return server.port
}

/** Better now than after the database was made and every process was started. */
async function refuseTakenPort(configuration: Configuration): Promise<void> {
  const server = createServer()
  await listen(server, configuration)
  await new Promise((resolve) => server.close(resolve))
}

function welcome(
  { host, processes, databaseMode }: Configuration,
  port: number,
  somebody: string | undefined,
): void {
  const name = host === '127.0.0.1' ? 'localhost' : host
  const count = processes === 1 ? 'One process serves' : `${processes} processes serve`
  const database = databaseMode === 'handcar' ? 'handcar' : `SQLite as most apps use it (${databaseMode})`
  console.log(`Lorem News is open at http://${name}:${port}`)
  if (somebody) console.log(`Sign in as ${somebody} with the password “${seededPassword}”, or sign up.`)
  console.log(`${count} it on ${database}. Ctrl-C stops it.`)
}
