import type { FetchApp, Server, ServerOptions } from '../server/index.ts'
import type { App } from './app-module.ts'
import type { Handcar } from './handcar.ts'
import { healthChecks } from './health.ts'

/** Of the time that a drain may take, how much the clients of realtime have to take their leave. */
const share = 0.8

/**
 * The server of a web process: health checks, files, realtime at its path, and the app for all the rest. It accepts connections that are
 * handed over; a drain sends the clients of realtime away first, each with the time at which to come back.
 */
export async function webServer(
  handcar: Handcar,
  app: App,
  { checks = [], ...options }: Pick<ServerOptions, 'checks' | 'details' | 'stopTimeout'> = {},
): Promise<Server> {
  // Whoever loads handcar to read its configuration needs none.
  const { Server } = await import('../server/index.ts')
  const { config, logger, realtime } = handcar
  const { host: _host, port: _port, socket: _socket, ...settings } = config.server
  const server = new Server({
    ...settings,
    ...options,
    app: realtime.serves ? withRealtime(handcar, app) : app,
    listen: false,
    checks: [...healthChecks(handcar), ...checks],
    logger,
  })
  if (!realtime.serves) return server
  server.onUpgrade(realtime.upgrade)
  server.onDrain(({ timeout }) => realtime.drain({ timeout: timeout * share }))
  return server
}

/** Answers what is below the path of realtime before the app is asked. */
function withRealtime({ realtime }: Handcar, app: App): FetchApp {
  const { path } = realtime
  return {
    fetch(request, environment) {
      const { url = '' } = environment.incoming
      // The first look is for all requests, and must cost nothing.
      const isOurs = url.startsWith(path) && isBelow(path, url.split('?', 1)[0]!)
      return isOurs ? realtime.fetch(request, environment) : app.fetch(request, environment)
    },
  }
}

function isBelow(path: string, asked: string): boolean {
  return asked === path || asked === `${path}/client.js`
}
