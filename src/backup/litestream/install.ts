import { createHash } from 'node:crypto'
import * as http from 'node:http'
import { HandcarError } from '../../core/index.ts'
import { unpackLitestream } from './unpack.ts'

/** The release that is installed. */
export const pinnedVersion = '0.5.16'

/**
 * The archives of the official release (https://github.com/benbjohnson/litestream/releases/tag/v0.5.16) and their SHA-256, as its
 * `checksums.txt` has them. What was changed there later is refused.
 */
const archives: Readonly<Record<string, { platform: string; sha256: string }>> = {
  'linux-x64': {
    platform: 'linux-x86_64',
    sha256: '9e29112380a942e4a62ee07773684396cb8b308dc4d67e130bef41f75e937f0a',
  },
  'linux-arm64': {
    platform: 'linux-arm64',
    sha256: '678022e4103145302598e35d37f8718392d42e153feeb1e2d4a64dd0cd3aaf10',
  },
  'darwin-x64': {
    platform: 'darwin-x86_64',
    sha256: 'eb554b93c9e2833351b017707e9ba5ac97ffd91d07e8b8b836b3ca7661399c36',
  },
  'darwin-arm64': {
    platform: 'darwin-arm64',
    sha256: '3e64028ff3522caca7a5ab67244e0373b25f3db68b6e25cac0056bf71c30c337',
  },
}

/** How Litestream is installed. */
export interface InstallOptions {
  /** Where the program goes; one that is there already is replaced by a rename, also while it runs. */
  to: string
  /** Where the archives are. Default: the official release on GitHub. */
  from?: string
  /** `process.platform` and `process.arch`, joined by a dash. Default: those of this machine. */
  platform?: string
  /** How long the download may take, in milliseconds. Default: 300,000 */
  timeout?: number
  /** May name a proxy: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, also in small letters. Default: none */
  environment?: Readonly<Record<string, string | undefined>>
}

/**
 * Downloads the pinned release of Litestream, checks what came, tries it, and puts it in its place.
 *
 * @returns its version
 * @throws HandcarError `HANDCAR_LITESTREAM_INSTALL`; what was there before stays
 */
export async function installLitestream({
  to,
  from = `https://github.com/benbjohnson/litestream/releases/download/v${pinnedVersion}`,
  platform = `${process.platform}-${process.arch}`,
  timeout = 300_000,
  environment = {},
}: InstallOptions): Promise<string> {
  const archive = archives[platform]
  if (archive === undefined) throw failed(`There is no release of Litestream for ${platform}`)
  const url = `${from}/litestream-${pinnedVersion}-${archive.platform}.tar.gz`
  const bytes = await download(url, { timeout, environment })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== archive.sha256)
    throw failed(
      `Expected ${url} with the SHA-256 ${archive.sha256}, got ${bytes.length} bytes with ${sha256}`,
    )
  try {
    return await unpackLitestream(bytes, to)
  } catch (error) {
    throw error instanceof HandcarError
      ? error
      : failed(`Litestream cannot be unpacked: ${String(error)}`, error)
  }
}

async function download(
  url: string,
  { timeout, environment }: Required<Pick<InstallOptions, 'timeout' | 'environment'>>,
): Promise<Buffer> {
  // Node 24.12 does not have it yet.
  const restore = (http.setGlobalProxyFromEnv as typeof http.setGlobalProxyFromEnv | undefined)?.({
    ...environment,
  })
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeout) })
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  } catch (cause) {
    const { message, cause: deeper } = cause as Error
    const why = deeper instanceof Error ? `${message} (${deeper.message})` : message
    throw failed(`${url} cannot be downloaded: ${why}`, cause)
  } finally {
    restore?.()
  }
}

function failed(message: string, cause?: unknown): HandcarError {
  return new HandcarError('HANDCAR_LITESTREAM_INSTALL', message, { cause })
}
