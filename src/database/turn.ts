import { longestTimer, TransactionScopeError } from '../core/index.ts'

/**
 * Waits for a body that may only await database work. Such work settles without leaving the current turn of the event
 * loop, so when the queue of microtasks has run dry (Node runs `nextTick` callbacks that a microtask asked for exactly
 * then) and the body is still pending, it waits for something else, perhaps forever, and is refused. The decision is the same on every run: it does
 * not depend on how fast the other thing would have been.
 *
 * @param origin Where the body came from, for the message.
 * @throws TransactionScopeError `HANDCAR_TRANSACTION_PENDING`
 */
export function withinTurn<Value>(pending: PromiseLike<Value>, origin: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    let settled = false
    pending.then(
      (value) => {
        settled = true
        resolve(value)
      },
      (error: unknown) => {
        settled = true
        reject(error)
      },
    )
    queueMicrotask(() => {
      process.nextTick(() => {
        if (!settled) reject(pendingError(origin))
      })
    })
  })
}

function pendingError(origin: string): TransactionScopeError {
  return new TransactionScopeError(
    'HANDCAR_TRANSACTION_PENDING',
    `A transaction body was still waiting when the event loop turned, so it was rolled back (${origin})`,
    { details: { origin } },
  )
}

/** Waits for the next turn of the event loop, after the callbacks of the current one. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Waits until all code has run that waited for promises which are settled by now, and for those that it settles. */
export function afterPromises(): Promise<void> {
  return new Promise((resolve) => {
    // Asked for by a microtask, it comes when their queue has run dry.
    process.nextTick(resolve)
  })
}

/** Waits until something has settled, however it did, but no longer than `timeout` milliseconds. */
export function settledWithin(pending: Promise<unknown> | undefined, timeout: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(timeout, longestTimer))
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    Promise.resolve(pending).then(end, end)
  })
}
