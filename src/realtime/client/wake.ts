interface Document extends EventTarget {
  visibilityState: string
}

/**
 * Calls back when a page is looked at again, comes back from the browser's cache, or has a network again: the moments after which
 * a connection may be dead without anybody having said so, because timers slept too. Never, where there is no page.
 *
 * @returns what ends it
 */
export function onWake(wake: () => void): () => void {
  const ended = new AbortController()
  const { document } = globalThis as { document?: Document }
  if (document) {
    const look = (): void => {
      if (document.visibilityState !== 'hidden') wake()
    }
    document.addEventListener('visibilitychange', look, ended)
    for (const name of ['online', 'pageshow'])
      (globalThis as unknown as EventTarget).addEventListener(name, look, ended)
  }
  return () => ended.abort()
}
