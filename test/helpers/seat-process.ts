import { ProcessSeat } from '../../src/database/index.ts'

/** A process that takes a seat, or tries to inherit one, and keeps it until it is killed. */
const { path, kind, inherit } = JSON.parse(process.argv[2]!) as {
  path: string
  kind: string
  inherit?: string
}

const seat = inherit === undefined ? ProcessSeat.take(path, kind) : ProcessSeat.inherit(path, kind, inherit)
process.send!(seat?.name ?? 'refused')
setInterval(() => seat?.name, 60_000)
