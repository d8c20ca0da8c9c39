import { test } from 'node:test'
import { assertPlans } from '../../../../test/helpers/plans.ts'
import { realtimeDatabase } from '../../../../test/helpers/realtime.ts'
import * as sql from './sql.ts'

/** How SQLite finds what it looks for. */
const plans: Partial<Record<keyof typeof sql, string[]>> = {
  deleteServer: ['PRIMARY KEY (id=?)'],
  selectOthers: ['handcar_socket_io_servers_for_namespace (channel=?)'],
  selectSession: ['PRIMARY KEY (pid=?)'],
  takeSession: ['PRIMARY KEY (pid=?)'],
  deleteSession: ['PRIMARY KEY (pid=?)'],
  orphanSessions: ['handcar_socket_io_sessions_for_rescue (server=?)'],
  selectExpired: ['handcar_socket_io_sessions_for_pruning (channel=? AND disconnected_at<?)'],
  deleteExpired: ['handcar_socket_io_sessions_for_pruning (channel=? AND disconnected_at<?)'],
}

test('what meets many sessions goes through the primary key or an index', async () => {
  await using database = await realtimeDatabase()
  await assertPlans(database, sql, plans, [])
})
