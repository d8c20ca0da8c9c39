import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** A stack that knows nothing of the file. */
const fromTheParser = /^SyntaxError[^\n]*\n\s+at [^\n]*node:internal\/modules\//

/**
 * Imports a module of the app. What it throws passes through; a syntax error says where it is, which Node leaves out for
 * JavaScript unless it dies of it.
 */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  const { href } = pathToFileURL(file)
  try {
    return (await import(href)) as Record<string, unknown>
  } catch (error) {
    if (error instanceof SyntaxError && fromTheParser.test(error.stack ?? '')) {
      error.stack = `${await placeOf(href)}${error.stack}`
    }
    throw error
  }
}

/** Lets another Node die of it. Nothing of the app runs there: a module is parsed with all that it imports before it runs. */
async function placeOf(href: string): Promise<string> {
  const code = `import(${JSON.stringify(href)})`
  try {
    await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', code], {
      timeout: 10_000,
    })
    return ''
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    return /^file:\/\/[^]*?\n\n(?=SyntaxError)/.exec(stderr)?.[0] ?? ''
  }
}
