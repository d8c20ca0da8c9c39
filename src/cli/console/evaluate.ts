import { inspect } from 'node:util'
import { constants, Script } from 'node:vm'
import type { Output } from '../command.ts'

/**
 * Runs code with the globals of this process and prints its result, once that is known if it is a promise: an expression,
 * or statements that `return` something. It may `await`, and `import()` what the current folder knows. What it throws passes
 * through.
 */
export async function evaluate(code: string, output: Output): Promise<void> {
  const result = await run(code)
  if (result !== undefined) output.line(typeof result === 'string' ? result : print(result, output))
}

const print = (result: unknown, { isTerminal }: Output): string =>
  inspect(result, { colors: isTerminal, depth: 6, maxArrayLength: 1_000 })

function run(code: string): Promise<unknown> {
  const script = compile(`(async () => (${code}\n))()`) ?? compile(`(async () => {${code}\n})()`)
  if (script !== undefined) return script.runInThisContext() as Promise<unknown>
  // As it was written, so that the error shows that.
  return new Script(code, { filename: 'code' }).runInThisContext() as Promise<unknown>
}

function compile(code: string): Script | undefined {
  try {
    const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    return new Script(code, { filename: 'code', importModuleDynamically })
  } catch {
    return undefined
  }
}
