import type { Socket } from 'node:net'
import type { ManagedProcess } from './managed-process.ts'

/** How long a connection may wait while no process is ready at all, in milliseconds; then it is told to come back. */
const longestWait = 10_000

/** How many connections may wait; more are told to come back at once. */
const longestQueue = 4_096

const apology = 'The application is starting. Please try again in a few seconds.'
const unavailable = [
  'HTTP/1.1 503 Service Unavailable',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${apology.length}`,
  'Retry-After: 5',
  'Cache-Control: no-store',
  'Connection: close',
  '',
  apology,
].join('\r\n')

interface Handover {
  id: number
  socket: Socket
}

/**
 * Hands connections to processes, in turn. A process gets the next one only when it has said that the last one arrived, so
 * that one whose event loop stands still keeps at most one connection from the others. Until then the supervisor holds its
 * own copy: a connection on its way to a process that dies goes to another.
 */
export class Balancer {
  /** The processes that may have the next connection, in their turn. */
  readonly #free: ManagedProcess[] = []
  readonly #members = new Set<ManagedProcess>()
  readonly #underway = new Map<ManagedProcess, Handover>()
  readonly #waiting: { socket: Socket; since: number }[] = []
  #sweep: NodeJS.Timeout | undefined
  #lastId = 0

  /** How many connections wait for a process. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Takes over a connection. Must be paused. */
  hand(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#waiting.length >= longestQueue) return refuse(socket)
    this.#waiting.push({ socket, since: performance.now() })
    this.#next()
    if (this.#waiting.length > 0) this.#sweep ??= setInterval(() => this.#refuseLate(), 1_000).unref()
  }

  /** The process takes connections from now on. */
  add(managed: ManagedProcess): void {
    this.#members.add(managed)
    this.#free.push(managed)
    managed.onAccepted = (id) => this.#accepted(managed, id)
    this.#next()
  }

  /** The process gets no more connections. One that is on its way still arrives, unless the process has ended. */
  remove(managed: ManagedProcess): void {
    this.#members.delete(managed)
    const index = this.#free.indexOf(managed)
    if (index !== -1) this.#free.splice(index, 1)
    const handover = this.#underway.get(managed)
    if (handover === undefined || managed.state !== 'ended') return
    this.#underway.delete(managed)
    this.#waiting.unshift({ socket: handover.socket, since: performance.now() })
    this.#next()
  }

  /** Closes the connections that wait. */
  close(): void {
    clearInterval(this.#sweep)
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
    for (const { socket } of this.#underway.values()) socket.destroy()
    this.#underway.clear()
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#free.length > 0) {
      const managed = this.#free.shift()!
      const { socket } = this.#waiting.shift()!
      const id = ++this.#lastId
      this.#underway.set(managed, { id, socket })
      managed.hand(id, socket)
    }
  }

  #accepted(managed: ManagedProcess, id: number): void {
    const handover = this.#underway.get(managed)
    if (handover?.id !== id) return
    this.#underway.delete(managed)
    handover.socket.destroy()
    if (!this.#members.has(managed)) return
    this.#free.push(managed)
    this.#next()
  }

  #refuseLate(): void {
    if (this.#members.size > 0) return
    const latest = performance.now() - longestWait
    while (this.#waiting.length > 0 && this.#waiting[0]!.since < latest) {
      refuse(this.#waiting.shift()!.socket)
    }
  }
}

function refuse(socket: Socket): void {
  socket.end(unavailable, () => socket.destroy())
}
