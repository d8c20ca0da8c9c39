/** A body that was read, or the response with a body that still can be. */
export type ReadBody = { readonly body: Uint8Array<ArrayBuffer> } | { readonly tooLarge: Response }

/**
 * Reads the body of a response. One that turns out to be larger than allowed is handed on: what was read of it, and then the rest as
 * it comes.
 */
export async function readBody(response: Response, most: number): Promise<ReadBody> {
  if (response.body === null) return { body: new Uint8Array(0) }
  if (Number(response.headers.get('content-length') ?? 0) > most) return { tooLarge: response }
  const reader = response.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { body: new Uint8Array(Buffer.concat(chunks)) }
    chunks.push(value)
    size += value.byteLength
    if (size > most) return { tooLarge: new Response(goOn(chunks, reader), response) }
  }
}

function goOn(
  chunks: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = chunks.shift()
      if (chunk !== undefined) return controller.enqueue(chunk)
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
