import { existsSync } from 'node:fs'
import { describe, HandcarError } from '../core/index.ts'
import { ChannelDefinition, type AnyChannelDefinition, type Authenticate } from '../realtime/index.ts'
import type { RealtimeConfig } from './config.ts'
import { importModule } from './import-module.ts'

/** What the module of an app's channels says. */
export interface ChannelsModule {
  channels: AnyChannelDefinition[]
  /** Says who asks; `undefined`: nobody is known. */
  authenticate: Authenticate | undefined
}

/**
 * Imports the module of the app's channels and gives the definitions that it exports, alone or in lists, and its `authenticate`. What it
 * throws passes through. Without a module there are none.
 *
 * @throws HandcarError `HANDCAR_CHANNELS_INVALID`
 */
export async function importChannels({ channels: file }: RealtimeConfig): Promise<ChannelsModule> {
  if (file === undefined) return { channels: [], authenticate: undefined }
  if (!existsSync(file)) throw new HandcarError('HANDCAR_CHANNELS_INVALID', `There is no file ${file}`)
  const { authenticate, ...exported } = await importModule(file)
  assertFunction(authenticate, file)
  return { channels: [...new Set(Object.values(exported).flat())].filter(isDefinition), authenticate }
}

function assertFunction(value: unknown, file: string): asserts value is Authenticate | undefined {
  if (value === undefined || typeof value === 'function') return
  throw new HandcarError(
    'HANDCAR_CHANNELS_INVALID',
    `Expected a function as \`authenticate\` in ${file}, got ${describe(value)}`,
  )
}

function isDefinition(value: unknown): value is AnyChannelDefinition {
  return value instanceof ChannelDefinition
}
