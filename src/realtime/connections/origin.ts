/**
 * Whether a request may come from the page that it comes from. A browser says in `Origin` which page that is, and sends the cookies of
 * the user along whoever asks; so without this check any page could read what the user may read.
 *
 * Programs that are no browser send no `Origin`, and pass: what they have is not the user's cookies. A browser leaves it out only for
 * a GET of the same origin, or one whose answer the page cannot read, which `Sec-Fetch-Site` tells.
 *
 * `X-Forwarded-Host` is believed here because a page of another site cannot make a browser send it without a preflight, which is not
 * answered, and on a WebSocket not at all.
 *
 * @param origins Origins that may, besides the server's own; `'*'`: all.
 */
export function mayConnect(
  header: (name: string) => string | undefined,
  origins: readonly string[],
): boolean {
  const origin = header('origin')
  if (origin === undefined) return header('sec-fetch-site') !== 'cross-site'
  if (isListed(origin, origins)) return true
  const host = hostOf(origin)
  if (host === undefined) return false
  const forwarded = header('x-forwarded-host')?.split(',', 1)[0]!.trim()
  return host === header('host')?.toLowerCase() || host === forwarded?.toLowerCase()
}

/** Whether an origin is one of those that may connect besides the server's own. */
export function isListed(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin)
}

/** With the port where it is not the usual one, as in `Host`; `undefined` for `null`, the origin of sandboxed pages. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
