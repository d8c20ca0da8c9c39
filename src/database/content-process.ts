import { setPriority } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ContentSurvey, type ContentReport } from './content-survey.ts'
import { sqliteCode } from './driver.ts'

/**
 * A process that compares the content of a database that is in use with copies of it, for its parent; how: `content-survey.ts`. A process
 * so that the parent's event loop goes on, and so that a file that is damaged can bring down only this one.
 */
export type ContentRequest =
  | { kind: 'begin'; path: string; extensions: readonly string[] }
  | { kind: 'watch' }
  | { kind: 'compare'; path: string }

/** What the process answers. */
export type ContentAnswer =
  | { report: ContentReport | undefined }
  | { error: { message: string; code: string } }

let survey: ContentSurvey

new Worker(new URL(`./reader-watchdog-thread${extname(import.meta.url)}`, import.meta.url), {
  workerData: { parent: Number(process.argv[2]) },
}).unref()
// It has time, and those who serve have not.
setPriority(10)
process.on('disconnect', () => process.exit())
process.on('message', (request: ContentRequest) => void answer(request))

async function answer(request: ContentRequest): Promise<void> {
  try {
    process.send!({ report: await perform(request) } satisfies ContentAnswer)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    process.send!({ error: { message, code: sqliteCode(error) || (code ?? '') } } satisfies ContentAnswer)
  }
}

async function perform(request: ContentRequest): Promise<ContentReport | undefined> {
  if (request.kind === 'compare') return await survey.compare(request.path)
  if (request.kind === 'watch') await survey.watch()
  else {
    survey = new ContentSurvey(request.path, request.extensions)
    await survey.begin()
  }
  return undefined
}
