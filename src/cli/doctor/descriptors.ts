import { ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile } from './system-file.ts'

const enough = 4_096

/** How many files and connections a process may have open: of the running app, else of this process. */
export const descriptors: Check = {
  name: 'descriptors',
  async run({ running }) {
    const limits = readSystemFile(`/proc/${running?.pid ?? 'self'}/limits`)
    return limits === undefined
      ? []
      : judgeLimits(limits, running === undefined ? 'this shell' : 'the running app')
  },
}

/** Judges the text of `/proc/<pid>/limits`. */
export function judgeLimits(limits: string, owner: string): Finding[] {
  const [, text = ''] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  const limit = text === 'unlimited' ? Infinity : Number(text)
  if (limit >= enough) return [ok(`${owner} may have ${text} files open`)]
  return [
    warning({
      what: `${owner} may have ${text} files open; ${enough} should be`,
      why: 'Every connection and every file is one. When they are used up, no connection is accepted any more.',
      fix: 'Set LimitNOFILE=65536 in the unit of the service, or `ulimit -n 65536` in the shell.',
    }),
  ]
}
