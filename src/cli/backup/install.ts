import { backupFolderOf, loadConfig } from '../../app/index.ts'
import { giveToOwnerOf, installLitestream, pinnedVersion } from '../../backup/index.ts'
import type { Command } from '../command.ts'

/** `handcar backup install` */
export const install: Command = {
  name: 'install',
  summary: `Install Litestream ${pinnedVersion}, which makes the backup`,
  description:
    'Downloads the official release for this machine into the data folder and checks its SHA-256. It comes before the one on PATH and the one of npm; the setting backup.binary comes before it. An app that runs uses it from its next start.',
  examples: ['handcar backup install'],
  async run({ folder, output }) {
    const config = await loadConfig(folder)
    const backup = backupFolderOf(config)
    output.warn(`Downloading Litestream ${pinnedVersion} …`)
    const version = await installLitestream({ to: backup.binary, environment: process.env })
    for (const path of [backup.path, backup.binaries, backup.binary]) giveToOwnerOf(config.data, path)
    output.line(`Litestream ${version} is installed: ${backup.binary}`)
  },
}
