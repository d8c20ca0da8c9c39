import type { Place } from './queue.ts'

/** What `pg` needs to connect, with the durability of the place. */
export function postgresSettings({ postgres, survives }: Place) {
  const options = survives === 'power cut' ? '' : '-c synchronous_commit=off'
  return { ...postgres!, options }
}
