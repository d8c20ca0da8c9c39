import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A page of the documentation whose commands a test runs. */
export class Guide {
  readonly #text: string
  readonly #name: string

  /** @param name The page's path below `docs`. */
  constructor(name: string) {
    this.#name = name
    this.#text = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
  }

  /** The code blocks of a section, in one language. */
  blocks(heading: string, language = 'sh'): string[] {
    const section = this.#text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`))
    assert.ok(section, `${this.#name} has no section "${heading}"`)
    return [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
      (match) => match[1]!,
    )
  }
}

/** Where and how the commands of a page are run. */
export interface ShellOptions {
  folder: string
  environment?: Record<string, string | undefined>
}

/** Runs commands as a reader of a page would type them, with the programs of `guide-programs` first on the path. Resolves with all that they print. */
export async function runScript(
  script: string,
  { folder, environment }: ShellOptions,
): Promise<{ code: number | null; output: string }> {
  const programs = join(import.meta.dirname, 'guide-programs')
  const child = spawn('sh', ['-c', `set -eu\nexec 2>&1\n${script}`], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: undefined,
      NODE_TEST_CONTEXT: undefined,
      PWD: folder,
      PATH: `${programs}:${process.env['PATH']}`,
      GUIDE_NODE: process.execPath,
      HANDCAR_ALLOW_VOLATILE_DATA: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { code, output }
}
