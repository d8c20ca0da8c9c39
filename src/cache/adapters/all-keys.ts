import type { Cache } from '../cache.ts'
import type { Namespace } from '../namespace.ts'

/** How many keys are looked for at once. */
const atOnce = 1_000

/** All keys that begin with a text, some at a time. */
export async function* allKeys(cache: Cache | Namespace, prefix: string): AsyncGenerator<string[]> {
  let after: string | undefined
  for (;;) {
    const keys: string[] = await cache.keys({ prefix, limit: atOnce, ...(after !== undefined && { after }) })
    if (keys.length > 0) yield keys
    if (keys.length < atOnce) return
    after = keys.at(-1)
  }
}
