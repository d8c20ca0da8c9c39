import { join } from 'node:path'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { readSystemFile } from './system-file.ts'
import { compareVersions, versionIn } from './version.ts'

/** Node against what handcar and the app ask for. */
export const nodeVersion: Check = {
  name: 'node',
  async run({ folder }) {
    const handcarNeeds = neededBy(join(import.meta.dirname, '../../..'))
    const appNeeds = neededBy(folder)
    return judgeNode(process.versions.node, handcarNeeds, appNeeds)
  },
}

/** Judges a version of Node by the oldest that handcar and the app ask for. */
export function judgeNode(node: string, handcarNeeds = '0', appNeeds = '0'): Finding[] {
  const needed = compareVersions(appNeeds, handcarNeeds) > 0 ? appNeeds : handcarNeeds
  if (compareVersions(node, needed) < 0) {
    return [
      error({
        what: `Node ${node}; ${needed === handcarNeeds ? 'handcar' : 'the app'} needs ${needed} or newer`,
        why: 'Older versions lack functions that are relied on, and no longer get security fixes.',
        fix: `Install Node ${needed} or newer, then run this again with it.`,
      }),
    ]
  }
  if (Number(node.split('.')[0]) % 2 === 1) {
    return [
      warning({
        what: `Node ${node} is a release with an odd number`,
        why: 'Such releases get fixes for half a year only, so they are for trying things out.',
        fix: 'Run production on the long-term release: https://nodejs.org/en/about/previous-releases',
      }),
    ]
  }
  return [ok(`Node ${node} (${needed} or newer is needed)`)]
}

/** The oldest version in `engines.node`, which reads like `>=24.12`; `undefined` when it says something else. */
function neededBy(folder: string): string | undefined {
  try {
    const { engines } = JSON.parse(readSystemFile(join(folder, 'package.json')) ?? '{}') as {
      engines?: { node?: string }
    }
    const range = engines?.node ?? ''
    return /^(?:>=|\^|~)\s*[\d.]+$/.test(range) ? versionIn(`${range}.0`) : undefined
  } catch {
    return undefined
  }
}
