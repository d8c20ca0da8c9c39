import type { TreeStatus } from '../../supervisor/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile } from './system-file.ts'

/** What a process has open besides its clients: the database, its readers, the log, the other processes. */
const others = 256

/** Whether the app can have as many clients as it wants to take, and reads the messages for them. */
export const realtime: Check = {
  name: 'realtime',
  async run({ mostClients, running }) {
    if (mostClients === undefined) return []
    const web = running?.processes.find(({ kind, pid }) => kind === 'web' && pid !== undefined)
    const limits = readSystemFile(`/proc/${web?.pid ?? 'self'}/limits`) ?? ''
    const troubles = [...judgeFiles(limits, mostClients), ...judgeProcesses(running)]
    return troubles.length > 0 ? troubles : [ok(`a process takes up to ${mostClients} clients of realtime`)]
  },
}

/** Judges the text of `/proc/<pid>/limits`. */
export function judgeFiles(limits: string, clients: number): Finding[] {
  const [, text = 'unlimited'] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  if (text === 'unlimited' || Number(text) >= clients + others) return []
  return [
    warning({
      what: `a process may have ${text} files open, and takes up to ${clients} clients of realtime`,
      why: 'Every client is an open file. When they are used up, requests cannot be accepted either.',
      fix: `Set LimitNOFILE=${2 * clients} in the unit of the service, or \`realtime.limits.connections\` to less.`,
    }),
  ]
}

function judgeProcesses(running: TreeStatus | undefined): Finding[] {
  const stuck = (running?.processes ?? []).filter(({ stats }) => stats.realtime?.isReading === false)
  if (stuck.length === 0) return []
  return [
    warning({
      what: `the messages of realtime cannot be read in ${stuck.map(({ name }) => name).join(', ')}`,
      why: 'Clients get nothing until they can; then they get everything.',
      fix: 'The log says why ("the feed of realtime failed"). It is tried again by itself.',
    }),
  ]
}
