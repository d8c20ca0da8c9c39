/**
 * Reads an event stream (HTML Standard, 9.2): calls back with the data of each event. Of the other fields none is needed: positions
 * are in the messages. Ends with the stream; throws when that breaks.
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
    const events = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = events.pop()!
    for (const event of events) {
      const lines = event.split('\n').filter((line) => line.startsWith('data:'))
      if (lines.length > 0) received(lines.map((line) => line.slice(5)).join('\n'))
    }
  }
}
