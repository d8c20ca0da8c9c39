/** Makes values known by name to code in the console; each is made when it is first asked for. */
export function addToScope(values: Record<string, () => unknown>): void {
  for (const [name, make] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        const value = make()
        Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
        return value
      },
      set(value: unknown) {
        Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
      },
    })
  }
}
