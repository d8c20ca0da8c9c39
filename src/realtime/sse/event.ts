/** As a program that is not handcar may have stored it: JSON over several lines. Between its tokens a space says the same. */
const lineBreaks = /\r\n|\r|\n/g

/**
 * One event of an event stream (HTML Standard, 9.2): the JSON of a message, and the position that a client that comes back says
 * in `Last-Event-ID`.
 */
export function eventOf(json: string, id: string | undefined): string {
  const data = json.includes('\n') || json.includes('\r') ? json.replace(lineBreaks, ' ') : json
  return id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`
}
