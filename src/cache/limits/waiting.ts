import { lockTopic } from './lock.ts'
import type { Place } from './place.ts'

/** How often those who wait look, in milliseconds: whether the holder lives, and the time is not over. */
const lookInterval = 25

/** Resolves when something has come true, which is looked at now and then, and when somebody lets go of a lock; or when `end` aborts. */
export function change(place: Place, end: AbortSignal, isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let unsubscribe: (() => void) | undefined
    const stop = (): void => {
      clearInterval(timer)
      unsubscribe?.()
      end.removeEventListener('abort', stop)
      resolve()
    }
    const look = (): void => {
      try {
        if (end.aborted || isTrue()) stop()
      } catch {
        // Whoever waits finds out for itself.
        stop()
      }
    }
    const timer = setInterval(look, lookInterval)
    end.addEventListener('abort', stop, { once: true })
    try {
      unsubscribe = place.database.onCommit(look, [lockTopic])
    } catch {
      // The file is not open; the timer looks.
    }
    look()
  })
}
