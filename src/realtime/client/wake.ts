/**
 * Calls back when a page is looked at again (or no more), comes back from the browser's cache, or has a network again: the moments
 * after which a connection may be dead without anybody having said so, because timers slept too. Never, where there is no page.
 *
 * @returns what ends it
 */
export function onWake(wake: () => void): () => void {
  const ended = new AbortController()
  const page = globalThis as { document?: EventTarget } & Partial<EventTarget>
  page.document?.addEventListener('visibilitychange', wake, ended)
  for (const name of ['online', 'pageshow']) page.addEventListener?.(name, wake, ended)
  return () => ended.abort()
}
