import { ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile } from './system-file.ts'

const enough = 4_096

/** How many connections may wait while nobody accepts: when the supervisor itself is replaced. */
export const backlog: Check = {
  name: 'backlog',
  async run() {
    const text = readSystemFile('/proc/sys/net/core/somaxconn')
    return text === undefined ? [] : judgeBacklog(Number(text))
  },
}

/** Judges `net.core.somaxconn`. */
export function judgeBacklog(limit: number): Finding[] {
  if (limit >= enough) return [ok(`${limit} connections may wait to be accepted`)]
  return [
    warning({
      what: `only ${limit} connections may wait to be accepted`,
      why: 'While the supervisor is replaced they wait; those beyond the limit are refused.',
      fix: `echo net.core.somaxconn=${enough} > /etc/sysctl.d/60-handcar.conf && sysctl --system`,
    }),
  ]
}
