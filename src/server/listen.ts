import { once } from 'node:events'
import { unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { holderOfPort, OptionsError, StateError } from '../core/index.ts'
import type { ResolvedListen } from './options.ts'

/** Connections that wait to be accepted; the kernel has a limit of its own (`net.core.somaxconn`). */
const backlog = 4_096

/**
 * Begins to listen. The file of a unix socket that a dead process left behind is replaced.
 *
 * @throws StateError `HANDCAR_PORT_IN_USE`, `HANDCAR_PORT_FORBIDDEN`
 * @throws OptionsError when this machine has no such address
 */
export async function listen(server: Server, where: ResolvedListen): Promise<void> {
  try {
    if ('path' in where) await removeStaleSocket(where.path)
    server.listen({ ...where, backlog })
    await once(server, 'listening')
  } catch (error) {
    throw await explain(error as NodeJS.ErrnoException, where)
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlink(path).catch(() => {})
  } finally {
    socket.destroy()
  }
}

async function explain(cause: NodeJS.ErrnoException, where: ResolvedListen): Promise<Error> {
  const place = 'path' in where ? where.path : `port ${where.port} of ${where.host}`
  if (cause.code === 'EADDRINUSE') {
    const holder = 'port' in where ? await holderOfPort(where.port) : undefined
    const by = holder ? `process ${holder.pid} (${holder.command})` : 'another program'
    const details = { ...where, holder }
    return new StateError('HANDCAR_PORT_IN_USE', `Cannot listen on ${place}: ${by} does`, { details, cause })
  }
  const details = { ...where }
  if (cause.code === 'EACCES' || cause.code === 'EPERM')
    return new StateError('HANDCAR_PORT_FORBIDDEN', `Not allowed to listen on ${place}`, { details, cause })
  return new OptionsError('HANDCAR_OPTION_INVALID', `Cannot listen on ${place}: ${cause.message}`, {
    fix: 'Use an address of this machine, or the path of a socket in a folder that exists.',
    details,
    cause,
  })
}
