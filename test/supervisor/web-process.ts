import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from 'handcar/server'
import { SupervisedProcess } from 'handcar/supervisor'

/**
 * A process of the tree under test. Its folder says how it behaves: `crash-at-boot` and `hang-at-boot` are files that spoil its
 * start, `release` holds what it answers. Its paths misbehave on demand.
 */

const supervised = SupervisedProcess.current()!
const fileHere = (name: string): string => join(process.cwd(), name)
const release = existsSync(fileHere('release')) ? readFileSync(fileHere('release'), 'utf8').trim() : 'first'
const leaked: Buffer[] = []

const paths: Record<string, (url: URL) => Response | Promise<Response>> = {
  '/': () => new Response(`${release} ${supervised.name} ${process.pid}`),
  '/slow': async ({ searchParams }) => {
    await sleep(Number(searchParams.get('ms')))
    return new Response('slow')
  },
  '/block': ({ searchParams }) => {
    blockTheLoop(Number(searchParams.get('ms')))
    return new Response('blocked')
  },
  '/leak': ({ searchParams }) => {
    leaked.push(Buffer.alloc(Number(searchParams.get('bytes')), 1))
    return new Response('leaked')
  },
  '/crash': () => {
    setImmediate(() => {
      throw new Error('crashed on demand')
    })
    return new Response('about to crash')
  },
  '/tree': async () => Response.json(await supervised.treeStatus()),
}

function blockTheLoop(duration: number): void {
  const endAt = performance.now() + duration
  while (performance.now() < endAt);
}

if (existsSync(fileHere('crash-at-boot'))) throw new Error('this release is broken')
if (existsSync(fileHere('hang-at-boot'))) await sleep(1_000_000)

const server = new Server({
  app: {
    fetch(request) {
      const url = new URL(request.url)
      return paths[url.pathname]?.(url) ?? new Response('nothing here', { status: 404 })
    },
  },
  listen: false,
  accessLog: false,
})
await server.start()
supervised.onConnection((socket) => server.accept(socket))
supervised.onDrain(({ idle, timeout }) => server.drain({ idle, timeout }))
supervised.reportStats(() => ({ requests: server.stats().requests }))
supervised.ready()
