import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { LedgerWriterOptions } from './ledger-writer-process.ts'
import { parseLog, type Entry } from './power-cut-log.ts'

/** What processes did to a folder, from its first file on. */
export interface Recording {
  entries: Entry[]
  /** The folder that was recorded, and its inode. */
  folder: string
  inode: bigint
  /** Path of the database in it. */
  path: string
  /** Path of the file that the writers appended their acknowledgements to. */
  acknowledgements: string
}

/** What a process of a recording is started with, beside what the recording knows. */
type Writer = Omit<LedgerWriterOptions, 'path' | 'acknowledgements'>

/** Lets processes work in a new folder with the shim preloaded. */
export class Recorder {
  readonly folder: string
  readonly path: string
  readonly acknowledgements: string
  readonly #log: string
  readonly #environment: NodeJS.ProcessEnv

  /**
   * @param parent Folder of the test.
   * @param library The compiled shim.
   * @param lie End of the paths whose syncs are swallowed.
   */
  constructor(parent: string, library: string, lie = '') {
    this.folder = join(parent, 'recorded')
    mkdirSync(this.folder)
    this.path = join(this.folder, 'data', 'app.sqlite3')
    this.acknowledgements = join(this.folder, 'acknowledged')
    this.#log = join(parent, 'log')
    this.#environment = {
      LD_PRELOAD: library,
      HANDCAR_SHIM_FOLDER: this.folder,
      HANDCAR_SHIM_LOG: this.#log,
      HANDCAR_SHIM_LIE: lie,
    }
  }

  /** Starts a writer; with `die` it kills itself after so many recorded calls. */
  writer(options: Writer, die = 0): Child {
    const { path, acknowledgements } = this
    return this.#start('ledger-writer-process', { ...options, path, acknowledgements }, die)
  }

  /** Starts a coordinator, whose checkpointer then works for all; with `die` it kills itself as a writer does. */
  coordinator(checkpointer: object, die = 0): Child {
    return this.#start('coordinator-process', { path: this.path, checkpointer }, die)
  }

  #start(name: string, options: object, die: number): Child {
    return new Child(name, options, { ...this.#environment, HANDCAR_SHIM_DIE: String(die) })
  }

  /** What was recorded so far. */
  read(): Recording {
    const { folder, path, acknowledgements } = this
    const { ino: inode } = statSync(folder, { bigint: true })
    return { entries: parseLog(readFileSync(this.#log)), folder, inode, path, acknowledgements }
  }
}

/** Waits until processes have ended and complains of one that failed. */
export async function finished(...children: Child[]): Promise<void> {
  for (const child of children) {
    await child.ended
    assert.equal(child.errors, '')
    assert.equal(child.exitCode ?? 0, 0)
  }
}
