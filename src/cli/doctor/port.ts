import { once } from 'node:events'
import { createServer } from 'node:net'
import { holderOfPort } from '../../core/index.ts'
import { error, ok, type Check, type Finding } from './finding.ts'

/** Whether the app can listen, or already does. */
export const port: Check = {
  name: 'port',
  async run({ listen, running }) {
    if (running?.address !== undefined) return [ok(`the app listens on ${running.address}`)]
    if (listen === undefined) return []
    if ('path' in listen) return [ok(`the app will listen on ${listen.path}`)]
    if (listen.port === 0) return [ok('the app will take any port that is free')]
    return tryPort(listen.host, listen.port)
  },
}

async function tryPort(host: string, port: number): Promise<Finding[]> {
  const server = createServer()
  const place = `${host}:${port}`
  try {
    server.listen({ host, port })
    await once(server, 'listening')
    return [ok(`${place} is free`)]
  } catch (cause) {
    return [await explain((cause as NodeJS.ErrnoException).code ?? String(cause), place, port)]
  } finally {
    server.close()
  }
}

async function explain(code: string, place: string, port: number): Promise<Finding> {
  if (code === 'EADDRINUSE') {
    const holder = await holderOfPort(port)
    const by = holder === undefined ? '' : ` by process ${holder.pid} (${holder.command})`
    return error({
      what: `${place} is taken${by}, and no supervisor runs in this data folder`,
      why: 'The app cannot start while another program listens there.',
      fix: 'Stop that program, or choose another port with PORT or `server.port`.',
    })
  }
  if (code === 'EACCES') {
    return error({
      what: `this user may not listen on ${place}`,
      why: 'Ports below 1024 belong to root.',
      fix: 'Listen on 3000 behind Caddy, or let systemd hold the socket: `handcar deploy:files --to systemd`.',
    })
  }
  return error({
    what: `the app cannot listen on ${place} (${code})`,
    why: 'Nobody could reach it.',
    fix: 'Name an address of this machine with HOST or `server.host`; 0.0.0.0 for all of them.',
  })
}
