import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { socketPath } from '../../core/index.ts'
import { ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile, statOf } from './system-file.ts'

/** Files of a supervisor that was killed. They do no harm, but mislead people and their scripts. */
export const leftovers: Check = {
  name: 'leftovers',
  async run({ dataFolder, databasePath, running }) {
    if (running !== undefined) return []
    const sockets = [
      join(dataFolder, 'handcar.socket'),
      `${databasePath}.coordinator`,
      `${databasePath}.relay`,
    ]
    const findings = [...stalePid(join(dataFolder, 'handcar.pid'))]
    for (const path of sockets) findings.push(...(await staleSocket(socketPath(path))))
    return findings.length > 0 ? findings : [ok('no app was left half-ended')]
  },
}

function stalePid(path: string): Finding[] {
  const pid = Number(readSystemFile(path))
  if (!(pid > 0) || isAlive(pid)) return []
  return [stale(path, `${path} names process ${pid}, which does not exist`)]
}

async function staleSocket(path: string): Promise<Finding[]> {
  if (!statOf(path)?.isSocket() || (await answers(path))) return []
  return [stale(path, `${path} is there, but nobody listens on it`)]
}

function stale(path: string, what: string): Finding {
  return warning({
    what,
    why: 'The supervisor was killed. The next start cleans this up; a script that reads it would be misled until then.',
    fix: `rm ${path}`,
    canFix: async () => {
      rmSync(path, { force: true })
      return `removed ${path}`
    },
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Only a refusal says that nobody listens; a full queue or a missing right does not. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}
