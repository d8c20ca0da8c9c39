import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { loadConfig } from '../../app/index.ts'
import type { DeployedApp } from './target.ts'

interface PackageFile {
  name?: unknown
  scripts?: Record<string, string>
}

/**
 * Finds out about the app in a folder what its deploy files have to say.
 *
 * @throws HandcarError when its configuration cannot be loaded
 */
export async function readDeployedApp(folder: string): Promise<DeployedApp> {
  const { server, processes } = await loadConfig(folder)
  const { name, scripts } = readPackage(folder)
  return {
    name: plainName(typeof name === 'string' ? name : basename(folder)),
    host: server.host,
    port: server.port,
    socket: server.socket,
    healthPath: server.healthPath,
    stopSeconds: Math.ceil(processes.stopTimeout / 1_000),
    hasBuild: scripts?.['build'] !== undefined,
    trustsPrivateNetworks: server.trustedProxies.includes('private'),
  }
}

/** `@company/My_App` is `my-app`: a name for users, units, images and hosts. */
export function plainName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/^@[^/]*\//, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-\d]+|-+$/g, '')
    // The longest name that a user of Linux may have.
    .slice(0, 32)
  return plain || 'app'
}

function readPackage(folder: string): PackageFile {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile
  } catch {
    return {}
  }
}
