import { defineJob, defineRecurring } from '../../src/jobs/index.ts'

const note = defineJob<{ name: string; at: number }>({ name: 'note', perform: () => undefined })

const payload = ({ name, at }: { name: string; at: Date }) => ({ name, at: at.getTime() })

/** The recurring jobs of the crash tests: none of their ticks may be left out, but for `paused`. */
export const recurringJobs = [
  defineRecurring({ name: 'each-second', job: note, every: '1s', missed: { all: 1_000 }, payload }),
  defineRecurring({ name: 'cron-second', job: note, cron: '* * * * * *', missed: { all: 1_000 }, payload }),
  defineRecurring({
    name: 'cron-other',
    job: note,
    cron: '1-59/2 * * * * *',
    missed: { all: 1_000 },
    payload,
  }),
  defineRecurring({
    name: 'jitter',
    job: note,
    every: '1s',
    missed: { all: 1_000 },
    jitter: '500ms',
    payload,
  }),
  defineRecurring({ name: 'paused', job: note, every: '1s', overlap: 'allow', payload }),
]
