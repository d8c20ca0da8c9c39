/**
 * Reads the event stream of a server of ours (HTML Standard, 9.2): calls back with the data of each event, which is one line. Of the
 * other fields none is needed: positions are in the messages. Ends with the stream; throws when that breaks.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  received: (data: string) => void,
): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line.startsWith('data:')) received(line.slice(5))
  }
}
