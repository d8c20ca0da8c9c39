import type { CommandGroup } from '../command.ts'
import { deleteJobs } from '../jobs/delete.ts'
import { drain } from '../jobs/drain.ts'
import { edit } from '../jobs/edit.ts'
import { cancel, discard } from '../jobs/end.ts'
import { enqueue } from '../jobs/enqueue.ts'
import { list } from '../jobs/list.ts'
import { pause, resume } from '../jobs/pause.ts'
import { recurring } from '../jobs/recurring.ts'
import { reschedule } from '../jobs/reschedule.ts'
import { retry } from '../jobs/retry.ts'
import { show } from '../jobs/show.ts'
import { stats } from '../jobs/stats.ts'
import { work } from '../jobs/work.ts'

/** `handcar jobs` */
export const command: CommandGroup = {
  name: 'jobs',
  summary: 'Look after jobs: list, show, retry, cancel, pause, and more',
  description:
    'Works on the database of the app, whether it runs or not; its processes notice at once. What is done with a job is written into its log, with who did it.',
  examples: [
    'handcar jobs stats',
    'handcar jobs list --state discarded --after 1d',
    'handcar jobs show 4711',
    'handcar jobs retry --state discarded --name welcome-mail --yes',
  ],
  commands: [
    list,
    show,
    stats,
    retry,
    cancel,
    discard,
    reschedule,
    edit,
    deleteJobs,
    enqueue,
    pause,
    resume,
    drain,
    recurring,
    work,
  ],
}
