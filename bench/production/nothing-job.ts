import { defineJob } from 'handcar/jobs'

/** A job that does nothing, so that all there is to see is what jobs cost. */
export const nothing = defineJob({
  name: 'nothing',
  queue: 'benchmark',
  perform: (_number: number) => undefined,
})
