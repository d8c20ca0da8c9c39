import { readSystemFile } from './system-file.ts'

/** One line of `/proc/self/mountinfo`. */
export interface Mount {
  /** Where it appears. */
  point: string
  /** What of the file system appears there: `/`, or a folder or file that is bound. */
  root: string
  /** `ext4`, `virtiofs`, `overlay` … */
  type: string
  /** The device or the server. */
  source: string
  isReadOnly: boolean
}

/** The mounts of this process; none where the system does not tell. */
export function readMounts(): Mount[] {
  return (readSystemFile('/proc/self/mountinfo') ?? '').split('\n').filter(Boolean).map(parseMount)
}

/** The mount that a path without symbolic links lies on: of the last one mounted over the longest prefix. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const covers = ({ point }: Mount): boolean =>
    path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`)
  return mounts
    .filter(covers)
    .reduce<Mount | undefined>(
      (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
      undefined,
    )
}

/** `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda rw`; blanks are written as `\040`. */
export function parseMount(line: string): Mount {
  const [left = '', right = ''] = line.split(' - ')
  const [, , , root = '', point = '', options = ''] = left.split(' ')
  const [type = '', source = '', superOptions = ''] = right.split(' ')
  return {
    point: unescape(point),
    root: unescape(root),
    type,
    source: unescape(source),
    isReadOnly: [options, superOptions].some((each) => each.split(',').includes('ro')),
  }
}

function unescape(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
