import { existsSync } from 'node:fs'
import { describe, HandcarError } from '../core/index.ts'
import type { FetchApp } from '../server/index.ts'
import type { Handcar } from './handcar.ts'
import { importModule } from './import-module.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** An app: answers requests; may have something to put away at the end. */
export interface App extends FetchApp {
  /** Called after the last request, before the parts of handcar stop. */
  stop?(): void | Promise<void>
}

/** Makes an app. Called once in each process, with handcar started. */
export type AppFactory = (handcar: Handcar) => App | Promise<App>

/**
 * Imports the app's module: its default export is an {@link App} or an {@link AppFactory}. What it throws passes through.
 *
 * @throws HandcarError `HANDCAR_APP_INVALID`
 */
export async function importApp({
  app,
  folder,
}: Pick<ResolvedConfig, 'app' | 'folder'>): Promise<AppFactory> {
  const file = existingApp({ app, folder })
  const module = await importModule(file)
  const exported = module.default
  if (exported === undefined) throw invalid(file, 'a default export', 'none')
  if (typeof exported !== 'function') {
    assertApp(exported, file, 'the default export')
    return () => exported
  }
  return async (handcar) => {
    const app: unknown = await (exported as AppFactory)(handcar)
    assertApp(app, file, 'what its function returned')
    return app
  }
}

/**
 * Path of the app's module.
 *
 * @throws HandcarError `HANDCAR_APP_INVALID` when there is none
 */
export function existingApp({ app, folder }: Pick<ResolvedConfig, 'app' | 'folder'>): string {
  if (app !== undefined && existsSync(app)) return app
  throw new HandcarError(
    'HANDCAR_APP_INVALID',
    app === undefined ? `There is no app in ${folder}: no src/app.ts` : `There is no file ${app}`,
    { fix: 'Create it, or name the file of the app in the setting `app`.' },
  )
}

function assertApp(value: unknown, file: string, what: string): asserts value is App {
  const fetches = typeof value === 'object' && value !== null && 'fetch' in value
  if (fetches && typeof value.fetch === 'function') return
  throw invalid(file, 'an object with a function fetch(request)', `${describe(value)} (${what})`)
}

function invalid(file: string, expected: string, got: string): HandcarError {
  return new HandcarError('HANDCAR_APP_INVALID', `Expected ${expected} in ${file}, got ${got}`)
}
