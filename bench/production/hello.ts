import { Hono } from 'hono'

/** The smallest app: one route, one word. */
export default new Hono().get('/', (context) => context.text('hello'))
