import type { CommandGroup } from '../command.ts'
import { check } from '../snapshot/check.ts'
import { create } from '../snapshot/create.ts'
import { deleteSnapshots } from '../snapshot/delete.ts'
import { list } from '../snapshot/list.ts'
import { prune } from '../snapshot/prune.ts'
import { restore } from '../snapshot/restore.ts'

/** `handcar snapshot` */
export const command: CommandGroup = {
  name: 'snapshot',
  summary: 'Copies of the database on its own disk: create, list, check, restore, delete, prune',
  description:
    'A snapshot is a whole, checked copy of the database at one moment, made while the app goes on. One is made before migrations. They lie on the same disk: against the loss of the disk helps only a backup.',
  examples: [
    'handcar snapshot create before-sale',
    'handcar snapshot list',
    'handcar stop && handcar snapshot restore before-sale && handcar start',
  ],
  commands: [create, list, check, restore, deleteSnapshots, prune],
}
