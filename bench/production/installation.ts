import { execFileSync } from 'node:child_process'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const example = join(repository, 'examples/lorem-news')

/** A handcar that can be run. */
export interface Installation {
  /** Node and everything up to the name of the command: `handcar start` is `[...command, 'start']`. */
  readonly command: readonly [string, ...string[]]
}

/** This repository, run from source, as `npm start` does. */
export const fromSource: Installation = {
  command: [process.execPath, '--conditions=handcar-source', join(repository, 'src/cli/main.ts')],
}

/** The folder of Lorem News in this repository. */
export const loremNewsSource: string = example

/**
 * Installs handcar as a deploy would: built, in a `node_modules` of its own, with the dependencies that this repository has.
 * Apps are copied beside it.
 */
export class BuiltInstallation implements Installation {
  readonly #folder: string
  readonly command: readonly [string, ...string[]]

  private constructor(folder: string) {
    this.#folder = folder
    this.command = [process.execPath, join(folder, 'node_modules/handcar/dist/cli/main.js')]
  }

  /** Builds into a folder that exists. Throws what the compiler says. */
  static async make(parent: string): Promise<BuiltInstallation> {
    const folder = join(parent, 'installation')
    const handcar = join(folder, 'node_modules/handcar')
    await mkdir(handcar, { recursive: true })
    for (const name of await readdir(join(repository, 'node_modules'))) {
      if (ours.has(name) || name.startsWith('.')) continue
      await symlink(join(repository, 'node_modules', name), join(folder, 'node_modules', name))
    }
    await cp(join(repository, 'package.json'), join(handcar, 'package.json'))
    const compiler = join(repository, 'node_modules/.bin/tsc')
    const argv = ['--project', 'tsconfig.build.json', '--outDir', join(handcar, 'dist')]
    execFileSync(compiler, argv, { cwd: repository, stdio: ['ignore', 'inherit', 'inherit'] })
    return new BuiltInstallation(folder)
  }

  /** A copy of Lorem News: what a deploy would send. Returns its folder. */
  async loremNews(name = 'lorem-news'): Promise<string> {
    const folder = join(this.#folder, name)
    for (const part of ['src', 'db', 'handcar.config.ts', 'package.json'])
      await cp(join(example, part), join(folder, part), { recursive: true })
    return folder
  }

  /** An app that answers `hello`, with these settings of handcar. Returns its folder. */
  async hello(name: string, config: object): Promise<string> {
    const folder = join(this.#folder, name)
    await mkdir(join(folder, 'src'), { recursive: true })
    await cp(fileURLToPath(new URL('./hello.ts', import.meta.url)), join(folder, 'src/app.ts'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'handcar.config.js'), `export default ${JSON.stringify(config)}`)
    return folder
  }
}

const ours = new Set(['handcar', 'handcar-bench', 'lorem-news'])
