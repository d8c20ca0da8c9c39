import { createLogger, Handcar, importApp, loadConfig } from '../../app/index.ts'
import { version } from '../../core/index.ts'
import { sql } from '../../database/index.ts'
import type { Command } from '../command.ts'
import { evaluate } from '../console/evaluate.ts'
import { runRepl } from '../console/repl.ts'
import { addToScope } from '../console/scope.ts'

type Options = { readOnly?: true; eval?: string }

/** `handcar console` */
export const command: Command<Options> = {
  name: 'console',
  summary: 'Talk to the app in JavaScript: a REPL with the database and the app at hand',
  description: `In scope are handcar, database, cache, realtime, sql, and app (a promise: the module is loaded when it is first asked for). Nothing works in the
background: no jobs are performed, no requests taken, no migrations run. \`await\` may be used everywhere.`,
  options: [
    { flags: '--read-only', description: 'refuse every write to the database' },
    {
      flags: '--eval <code>',
      description: 'run an expression, or statements with a return, print the result, and end',
    },
  ],
  examples: [
    'handcar console',
    'handcar console --read-only',
    `handcar console --eval "database.all('select * from posts limit 3')"`,
    `handcar console --eval "(await (await app).fetch(new Request('http://localhost/'))).text()"`,
  ],
  async run({ folder, output, environment }, { readOnly = false, eval: code }) {
    const config = await loadConfig(folder)
    process.chdir(config.folder)
    const logger = createLogger({ ...config.log, level: 'warn', format: 'pretty' })
    const database = { ...config.database, readOnly }
    await using handcar = new Handcar({ ...config, database }, { role: 'script', logger })
    await handcar.start()
    addToScope({
      handcar: () => handcar,
      database: () => handcar.database,
      cache: () => handcar.cache,
      realtime: () => handcar.realtime,
      sql: () => sql,
      app: async () => (await importApp(config))(handcar),
    })
    if (code !== undefined) return await evaluate(code, output)
    const { color } = output
    const warning =
      config.environment === 'production' && !readOnly
        ? color.yellow('writes change production; --read-only refuses them')
        : readOnly && 'read-only'
    const facts = [`handcar ${version}`, color.bold(config.environment), handcar.database.path, warning]
    output.line(facts.filter(Boolean).join(', '))
    await runRepl(environment)
  },
}
