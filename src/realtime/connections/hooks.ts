import type { Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import type { ConnectionsOptions } from './needs.ts'
import type { Subscription } from './subscription.ts'

/** What hooks are given. */
export interface HookOptions extends Pick<ConnectionsOptions, 'realtime' | 'publish'> {
  readonly database: Database
  readonly logger: Logger
}

/** Tells the app that somebody has subscribed, or has not any more. A hook that fails is logged, and changes nothing. */
export function callHook(
  { audience, connection }: Subscription,
  hook: 'onSubscribe' | 'onUnsubscribe',
  { database, realtime, publish, logger }: HookOptions,
): void {
  const { definition, params } = audience.match
  const listener = definition[hook]
  if (listener === undefined) return
  const { user } = connection.client
  const { name: channel } = audience
  const fail = (error: unknown): void => logger.error({ err: error, channel }, `${hook}() failed`)
  try {
    const context = { user, params, channel, database, realtime, connection: connection.id }
    Promise.resolve(listener({ ...context, publish: (type, data) => publish(channel, type, data) })).catch(
      fail,
    )
  } catch (error) {
    fail(error)
  }
}
