import { bareEventStream, bareWs, wsBehindRedis } from './bare.ts'
import { handcar, handcarEphemeral } from './handcar.ts'
import type { ServerMaker, System } from './server.ts'
import { socketIo } from './socket-io.ts'

/** How each system is opened. */
export const makers: Readonly<Record<System, ServerMaker>> = {
  handcar,
  'handcar, ephemeral': handcarEphemeral,
  'socket.io + Redis': socketIo,
  ws: bareWs,
  'ws + Redis pub/sub': wsBehindRedis,
  'event stream': bareEventStream,
}
