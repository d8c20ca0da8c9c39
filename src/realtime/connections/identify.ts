import type { IncomingMessage } from 'node:http'
import { option, setDelay } from '../../core/index.ts'
import type { RealtimeUser } from '../channels/channel-types.ts'
import type { ConnectionsOptions } from './needs.ts'

/** What a server knows of a request beside itself; `handcar/server` gives it with each request and upgrade. */
export interface ClientEnvironment {
  /** Address of the client, as far as trusted proxies tell it. */
  readonly clientAddress?: string
}

/** Who a request is from: a user, somebody who is not known (`undefined`), or somebody to refuse. */
export type Identity = { user: RealtimeUser | undefined } | 'refused' | 'failed'

/** Asks `authenticate` who a request is from, within its time. */
export async function identify(
  request: Request,
  { authenticate, database, limits, clock, logger }: ConnectionsOptions,
): Promise<Identity> {
  if (authenticate === undefined) return { user: undefined }
  const late = Promise.withResolvers<never>()
  const { handshake } = limits
  const fail = () => late.reject(new Error(`authenticate() did not answer within ${handshake} ms`))
  const end = setDelay(clock, fail, handshake)
  try {
    const user = await Promise.race([authenticate(request, { database }), late.promise])
    if (user === false) return 'refused'
    return { user: user === undefined || user === null ? undefined : checked(user) }
  } catch (error) {
    logger.error({ err: error }, 'The authenticate() of realtime failed')
    return 'failed'
  } finally {
    end()
  }
}

/** Without an id all users would be one: in limits, rights, presence and receipts. */
function checked(user: unknown): RealtimeUser {
  const id = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined
  if ((typeof id === 'string' && id !== '') || Number.isFinite(id)) return user as RealtimeUser
  const expected =
    'expected a user with an `id` (a text or a number), undefined for nobody, or false to refuse'
  throw new TypeError(`authenticate() returned ${option.describe(user)}: ${expected}`)
}

/** Makes the `Request` of a handshake; again when it is called again. `undefined` when its host or path are malformed. */
export function requestMaker(incoming: IncomingMessage): (() => Request) | undefined {
  const { rawHeaders, url = '/' } = incoming
  const { host = 'localhost' } = incoming.headers
  const isEncrypted = 'encrypted' in incoming.socket && incoming.socket.encrypted === true
  const address = `${isEncrypted ? 'https' : 'http'}://${host}${url}`
  if (!URL.canParse(address)) return undefined
  return () => {
    const headers = new Headers()
    for (let index = 0; index < rawHeaders.length; index += 2)
      headers.append(rawHeaders[index]!, rawHeaders[index + 1]!)
    return new Request(address, { headers })
  }
}
