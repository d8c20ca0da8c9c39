/** The text of a view. What Hono calls a string is a tree until it is asked for its text, or the promise of one. */
export async function htmlOf(content: unknown): Promise<string> {
  return String(await content).trim()
}
