import { Hono } from 'hono'
import type { AppDatabase } from '../database/index.ts'

/** `GET /up`: this process answers and can read its database; no lock is taken. */
export function healthRoutes({ queries, durability }: AppDatabase) {
  const routes = new Hono()

  routes.get('/up', async (context) => {
    await queries
      .selectFrom('users')
      .select(({ fn }) => fn.min('id').as('first'))
      .execute()
    return context.json({ status: 'up', durability }, 200, { 'cache-control': 'no-store' })
  })

  return routes
}
