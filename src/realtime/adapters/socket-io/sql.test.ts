import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realtimeDatabase } from '../../../../test/helpers/realtime.ts'
import * as sql from './sql.ts'

const statements: Record<string, string> = { ...sql }

/** How SQLite finds what it looks for. */
const plans: Record<string, string> = {
  deleteServer: 'PRIMARY KEY (id=?)',
  selectOthers: 'handcar_socket_io_servers_for_namespace (channel=?)',
  selectSession: 'PRIMARY KEY (pid=?)',
  takeSession: 'PRIMARY KEY (pid=?)',
  deleteSession: 'PRIMARY KEY (pid=?)',
  orphanSessions: 'handcar_socket_io_sessions_for_rescue (server=?)',
  selectExpired: 'handcar_socket_io_sessions_for_pruning (channel=? AND disconnected_at<?)',
  deleteExpired: 'handcar_socket_io_sessions_for_pruning (channel=? AND disconnected_at<?)',
}

test('what meets many sessions goes through the primary key or an index', async () => {
  await using database = await realtimeDatabase()
  for (const [name, expected] of Object.entries(plans)) {
    const text = statements[name]!
    const explain = `explain query plan ${text.replace(/\?|:[a-z]+/gi, '1')}`
    const rows = await database.write((tx) => tx.all<{ detail: string }>(explain))
    const plan = rows.map(({ detail }) => detail).join('\n')
    assert.ok(plan.includes(expected), `${name}: expected ${expected}, got\n${plan}`)
  }
})
