import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Database } from 'handcar/database'
import { control, type TreeStatus } from 'handcar/supervisor'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

const project = join(import.meta.dirname, '../..')
const main = join(project, 'src/cli/main.ts')

const module = `
import { readFileSync } from 'node:fs'
const release = readFileSync('release', 'utf8')
const leaked = []
export default (handcar) => ({
  async fetch(request) {
    const [, folder, key] = new URL(request.url).pathname.split('/')
    if (folder === 'block') { const endAt = Date.now() + Number(key); while (Date.now() < endAt); }
    if (folder === 'leak') leaked.push(Buffer.alloc(Number(key), 1))
    if (folder !== 'entries') return new Response(release)
    await handcar.database.run('insert into entries (key) values (?)', [key])
    return new Response('written')
  },
})`

interface Surroundings {
  /** A command that runs the app, before its own words. */
  wrapper?: readonly string[]
  /** What it inherits as descriptor 3 and so on. */
  descriptors?: readonly number[]
  /** Text of the first release's configuration. */
  config?: string
  /** Files of every release, by their names. */
  files?: Readonly<Record<string, string>>
}

/** An app in production, as a user would run it: release folders, a link to the current one, `handcar start`. */
export class ProductionApp implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly data = this.#folder.file('data')
  readonly current = this.#folder.file('current')
  readonly process: ChildProcess
  readonly #files: Readonly<Record<string, string>>
  output = ''

  /** @param environment Variables for the app; the port is chosen by the system. */
  constructor(
    environment: Record<string, string> = {},
    { wrapper = [], descriptors = [], config = 'export default {}', files = {} }: Surroundings = {},
  ) {
    this.#files = files
    this.release('one', { 'handcar.config.js': config })
    const [command, ...args] = [
      ...wrapper,
      process.execPath,
      '--conditions=handcar-source',
      main,
      'start',
      '--folder',
      this.current,
    ]
    this.process = spawn(command, args, {
      env: {
        ...process.env,
        PORT: '0',
        HANDCAR_DATA: this.data,
        HANDCAR_ALLOW_VOLATILE_DATA: '1',
        WEB_CONCURRENCY: '2',
        LOG_LEVEL: 'warn',
        LOG_FORMAT: 'json',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    })
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
  }

  /** Makes a release folder and lets the link `current` lead to it. */
  release(name: string, files: Record<string, string> = {}): void {
    const folder = this.#folder.file(name)
    const all = {
      'package.json': JSON.stringify({ name: 'app', version: '1.0.0', type: 'module' }),
      'handcar.config.js': 'export default {}',
      'src/app.js': module,
      'db/migrations/20260101000000_entries.sql': 'create table entries (key text primary key) strict;',
      release: name,
      ...this.#files,
      ...files,
    }
    for (const [file, text] of Object.entries(all)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    try {
      symlinkSync(project, join(folder, 'node_modules/handcar'))
    } catch {
      // It is there from an earlier time.
    }
    symlinkSync(folder, `${this.current}.new`)
    renameSync(`${this.current}.new`, this.current)
  }

  /** Waits until it serves, and gives its address. */
  async address(): Promise<string> {
    let address: string | undefined
    await waitUntil(
      'the app serves',
      async () => {
        if (this.process.exitCode !== null)
          throw new Error(`It ended with ${this.process.exitCode}: ${this.output}`)
        const status = await this.status().catch(() => undefined)
        address = status?.state === 'running' ? status.address : undefined
        return address
      },
      30_000,
    )
    return address!
  }

  status(): Promise<TreeStatus> {
    return control<TreeStatus>(this.data, 'status')
  }

  reload<Report>(): Promise<Report> {
    return control<Report>(this.data, 'reload')
  }

  upgrade(): Promise<{ pid: number }> {
    return control<{ pid: number }>(this.data, 'upgrade')
  }

  async stop(): Promise<void> {
    await control(this.data, 'stop')
  }

  /** Exit code, once it has ended. */
  async ended(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
    return this.process.exitCode
  }

  /** The keys among these that are not in the database. */
  async missing(keys: readonly string[]): Promise<string[]> {
    const rows = await this.rows<{ key: string }>('select key from entries')
    const written = new Set(rows.map(({ key }) => key))
    return keys.filter((key) => !written.has(key))
  }

  /** The rows of a query, asked from outside of the app. */
  async rows<Row>(query: string): Promise<Row[]> {
    await using database = new Database({ path: join(this.data, 'app.sqlite3'), readers: false })
    await database.start()
    return database.all<Row>(query)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await control(this.data, 'stop').catch(() => {})
    this.process.kill('SIGKILL')
    await this.ended()
    this.#folder[Symbol.dispose]()
  }
}
