/**
 * Lets Node run `.tsx` files. Import it before the first of them, or start Node with `--import ./src/jsx.ts`.
 *
 * Node strips the types of `.ts` files by itself, but does not know JSX, which is a syntax of its own and not a type. This hook
 * turns a `.tsx` file into plain JavaScript in memory when it is first imported (about 1 ms a file), so that there is no build
 * step and no bundler. The work is done by oxc-transform, which comes as a prebuilt binary without an install script.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'oxc-transform'

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('.tsx')) return nextLoad(url, context)
    const path = fileURLToPath(url)
    const jsx = { runtime: 'automatic', importSource: 'hono/jsx', development: false } as const
    const { code, errors } = transformSync(path, readFileSync(path, 'utf8'), { jsx, sourcemap: false })
    if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]!.message}`)
    return { format: 'module', source: code, shortCircuit: true }
  },
})
