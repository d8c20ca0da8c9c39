/** A function that does something once, after the code that runs now, however often it is called before. */
export function onceATurn(call: () => unknown): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      isDue = false
      call()
    })
  }
}
