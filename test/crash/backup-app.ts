import type { Handcar } from 'handcar'
import { enter } from './ledger.ts'

/** The migration of the app below: the ledger of the crash tests. */
export { ledgerMigrations } from './ledger.ts'

/**
 * The app of the tests that lose whole machines: each request is one transaction of the ledger, `/<writer>/<number>`, and is answered
 * with the id of its last entry when it is kept. Nothing is ever deleted, so that this id tells the place of a transaction among all.
 */
export default ({ database }: Handcar) => ({
  async fetch(request: Request): Promise<Response> {
    const [, writer, number] = new URL(request.url).pathname.split('/')
    const id = await database.write((tx) => {
      enter(tx, decodeURIComponent(writer!), Number(number), 'x'.repeat(100))
      return tx.get<{ id: number }>('select max(id) as id from entries')!.id
    })
    return Response.json(id)
  },
})
