import { realpathSync, statfsSync } from 'node:fs'
import { fileSystemOf, type FileSystem } from '../../database/index.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { mountOf, readMounts, type Mount } from './mounts.ts'
import { existingFolder, statOf } from './system-file.ts'

/** What the data folder lies on. */
export const fileSystem: Check = {
  name: 'file system',
  async run({ dataFolder, environment, environmentName }) {
    const folder = realpathSync(existingFolder(dataFolder))
    const { type } = statfsSync(folder)
    const isInContainer = statOf('/.dockerenv') !== undefined
    const mount = mountOf(folder, readMounts())
    return judgeFileSystem(folder, type, mount, {
      isInContainer,
      isProduction: environmentName === 'production' && environment['HANDCAR_ALLOW_VOLATILE_DATA'] !== '1',
    })
  },
}

/** Judges a folder by the type number of its file system and by its mount. */
export function judgeFileSystem(
  folder: string,
  type: number,
  mount: Mount | undefined,
  place: { isInContainer: boolean; isProduction: boolean },
): Finding[] {
  const system = fileSystemOf(type)
  const name = mount?.type ?? system?.name ?? `of an unknown type (0x${(type >>> 0).toString(16)})`
  if (mount?.isReadOnly) {
    return [
      error({
        what: `${folder} is mounted read-only (${name} on ${mount.point})`,
        why: 'Nothing can be written. Linux also does this to a disk that has failed.',
        fix: 'Look for I/O errors with `dmesg`; mount it for writing, or put the data somewhere else.',
      }),
    ]
  }
  if (system?.kind === 'network' || system?.kind === 'foreign') return [shared(folder, system, name)]
  if (system?.kind === 'memory' || system?.kind === 'layered') {
    return [(place.isProduction ? error : warning)(volatile(folder, name, place.isInContainer))]
  }
  const where = mount ? `${mount.source} mounted on ${mount.point}` : 'mount point unknown'
  return [ok(`${folder} lies on ${name} (${where})${system ? '' : '; whether it fits shows the next check'}`)]
}

function shared(folder: string, { kind }: FileSystem, name: string): Finding {
  return error({
    what: `${folder} lies on ${name}, which is ${kind === 'network' ? 'of another machine' : 'passed through by a host or a program'}`,
    why: 'WAL needs the locks and the shared memory of one kernel. Databases in such places were corrupted within minutes.',
    fix: 'Put the data on a local disk. With Docker: a named volume, no bind mount from the host of a virtual machine.',
  })
}

function volatile(folder: string, name: string, isInContainer: boolean) {
  return {
    what: `${folder} lies on ${name}, which is gone after a restart of the ${isInContainer ? 'container' : 'machine or container'}`,
    why: 'Everything that was committed would be lost with it.',
    fix: isInContainer
      ? `Mount a volume there: docker run --volume data:${folder} …`
      : 'Put the data on a disk: HANDCAR_DATA names the folder.',
  }
}
