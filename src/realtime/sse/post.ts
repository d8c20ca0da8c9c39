import type { Client } from '../connections/connection.ts'
import { parseMessage } from '../connections/parse-message.ts'
import type { Sends } from '../connections/sends.ts'
import type { ErrorMessage } from '../protocol.ts'
import { answerError, uncached } from './http.ts'

/** Beside the data a message has the name of the channel, and a key. */
const envelope = 16_384

/** HTTP's words for the reasons of a refusal; others are 400. */
const statuses: Record<string, number> = {
  forbidden: 403,
  'not-authenticated': 401,
  'unknown-channel': 404,
  'unknown-type': 404,
  invalid: 422,
  'too-large': 413,
  limit: 429,
  failed: 500,
  stopping: 503,
}

/** Answers a message that a client sends by POST, as those do that listen to an event stream: `{send, type, data, id, key?}`. */
export async function answerPost(
  request: Request,
  client: Client,
  sends: Sends,
  messageSize: number,
): Promise<Response> {
  const text = await readText(request, messageSize + envelope)
  if (text === undefined) return answerError(413, 'too-large', `A message may have ${messageSize} bytes`)
  const message = parseMessage(text)
  if (message === undefined || !('send' in message))
    return answerError(400, 'malformed', 'Expected {send, type, data, id}')
  const { answer } = await sends.begin({ client, connection: undefined }, message)
  const answered = await answer
  const status = 'error' in answered ? statusOf(answered) : 200
  return Response.json(answered, { status, headers: uncached })
}

function statusOf({ error }: ErrorMessage): number {
  return statuses[error.code] ?? 400
}

/** The body; `undefined` when it is larger than it may be, of which no more is read than that. */
async function readText(request: Request, limit: number): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) return undefined
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
