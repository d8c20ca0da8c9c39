import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ManagedProcess } from './managed-process.ts'

/** How long the inspector may take to answer, in milliseconds. */
const patience = 2_000

interface Frame {
  functionName: string
  location: { scriptId: string; lineNumber: number; columnNumber: number }
}

type InspectorEvent =
  | { method: 'Debugger.scriptParsed'; params: { scriptId: string; url: string } }
  | { method: 'Debugger.paused'; params: { callFrames: Frame[] } }
  | { method?: undefined }

/**
 * Tells what a process is doing whose event loop stands still: a stack, innermost first, such as `report (src/report.ts:12:3)`.
 * SIGUSR1 makes Node start its inspector on a thread of its own, which can stop JavaScript in the middle of a loop and say where
 * it is (https://nodejs.org/api/debugger.html). `undefined` when the process is inside native code (a long SQL statement,
 * synchronous file access), where JavaScript cannot be stopped.
 */
export async function blockedStack(managed: ManagedProcess): Promise<string[] | undefined> {
  const { promise, resolve } = Promise.withResolvers<string[] | undefined>()
  const timer = setTimeout(() => resolve(undefined), patience)
  managed.output.onInspector = (address) => {
    askForStack(address).then(resolve, () => resolve(undefined))
  }
  managed.kill('SIGUSR1')
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    managed.output.onInspector = () => {}
  }
}

async function askForStack(address: string): Promise<string[]> {
  const inspector = new WebSocket(address)
  await once(inspector, 'open', { signal: AbortSignal.timeout(patience) })
  try {
    const frames = Promise.withResolvers<Frame[]>()
    const scripts = new Map<string, string>()
    inspector.addEventListener('message', ({ data }) => {
      const event = JSON.parse(String(data)) as InspectorEvent
      if (event.method === 'Debugger.scriptParsed') scripts.set(event.params.scriptId, event.params.url)
      else if (event.method === 'Debugger.paused') frames.resolve(event.params.callFrames)
    })
    inspector.addEventListener('close', () => frames.reject(new Error('the inspector is gone')))
    for (const [id, method] of ['Debugger.enable', 'Debugger.pause'].entries()) {
      inspector.send(JSON.stringify({ id, method }))
    }
    return (await frames.promise)
      .filter(({ location }) => scripts.get(location.scriptId)?.startsWith('file:'))
      .slice(0, 12)
      .map((frame) => describeFrame(frame, scripts.get(frame.location.scriptId)!))
  } finally {
    inspector.close()
  }
}

function describeFrame({ functionName, location }: Frame, url: string): string {
  const place = `${fileURLToPath(url)}:${location.lineNumber + 1}:${location.columnNumber + 1}`
  return functionName ? `${functionName} (${place})` : place
}
