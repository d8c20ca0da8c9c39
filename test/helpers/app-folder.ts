import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts'

const root = join(import.meta.dirname, '../..')

/** The folder of a small app, for tests that run the whole of handcar on it. */
export interface AppFolder extends TemporaryFolder {
  /** Writes a file of the app, and the folders that it lies in. */
  write(name: string, content: string): void
}

/** Makes an app that says hello, in which `handcar` can be imported; more files by their names. */
export function appFolder(files: Record<string, string> = {}): AppFolder {
  const folder = temporaryFolder()
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(folder.file(name)), { recursive: true })
    writeFileSync(folder.file(name), content)
  }
  write('package.json', '{ "type": "module", "version": "1.2.3" }')
  write('src/app.js', "export default { fetch: () => new Response('hello') }")
  for (const [name, content] of Object.entries(files)) write(name, content)
  mkdirSync(folder.file('node_modules'))
  symlinkSync(root, folder.file('node_modules/handcar'))
  return { ...folder, write }
}
