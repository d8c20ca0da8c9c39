import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Exchange } from './exchange.ts'
import type { FetchApp } from './options.ts'

/** Makes the answer for a request that the app failed to answer. */
export type FailureHandler = (error: unknown, exchange: Exchange) => Response

/**
 * Makes the function that hands requests to an app. The adapter also puts its own, quicker `Request` and `Response` in place
 * of the global ones.
 */
export function fetchListener(
  app: FetchApp,
  onFailure: FailureHandler,
): (incoming: IncomingMessage, outgoing: ServerResponse) => unknown {
  return getRequestListener((request, bindings) => {
    const exchange = bindings.outgoing as unknown as Exchange
    try {
      const answer = app.fetch(request, {
        incoming: exchange.req,
        outgoing: exchange,
        requestId: exchange.requestId,
        clientAddress: exchange.clientAddress,
      })
      if (answer instanceof Promise) return settle(answer, exchange, onFailure)
      return answer ?? onFailure(noAnswer(answer), exchange)
    } catch (error) {
      return onFailure(error, exchange)
    }
  })
}

async function settle(
  answer: Promise<Response>,
  exchange: Exchange,
  onFailure: FailureHandler,
): Promise<Response> {
  try {
    const response = await answer
    if (exchange.req.isTooLarge) return onFailure(undefined, exchange)
    return response ?? onFailure(noAnswer(response), exchange)
  } catch (error) {
    return onFailure(error, exchange)
  }
}

function noAnswer(answer: unknown): TypeError {
  return new TypeError(`The app's fetch() returned ${String(answer)} where a Response was expected`)
}
