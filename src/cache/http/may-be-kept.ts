/** Whether a request may be answered from the cache at all, as far as its headers tell. */
export function mayBeAnswered(request: Request, isPersonal: boolean): boolean {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return false
  if (headers.has('authorization') || headers.has('range')) return false
  // Who says what of a request matters has thought of its cookies.
  return isPersonal || !headers.has('cookie')
}

/** Whether a response may be given to others, as far as its status and headers tell. */
export function mayBeKept({ status, headers }: Response): boolean {
  if (status !== 200 || headers.has('set-cookie') || headers.has('content-range')) return false
  if (varyOf(headers).includes('*')) return false
  if (headers.get('content-type')?.startsWith('text/event-stream')) return false
  const directives = listOf(headers.get('cache-control')).map((directive) => directive.split('=')[0]!.trim())
  return !['private', 'no-store', 'no-cache'].some((name) => directives.includes(name))
}

/** The names of the headers of the request on which a response depends, in small letters. */
export function varyOf(headers: Headers): string[] {
  const names = listOf(headers.get('vary'))
  // Who has not said that he can read it must not get it.
  return headers.has('content-encoding') && !names.includes('accept-encoding')
    ? [...names, 'accept-encoding']
    : names
}

/** The tags that a response says it is made of. */
export function tagsOf(headers: Headers): string[] {
  return (headers.get('cache-tag') ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}

function listOf(value: string | null): string[] {
  return (value ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
