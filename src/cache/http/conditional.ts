/**
 * Whether the client has the page already (RFC 9110, 13.1.2 and 13.1.3): `If-Modified-Since` counts only without `If-None-Match`.
 */
export function clientHasIt(request: Headers, etag: string, lastModified: string | undefined): boolean {
  const tags = request.get('if-none-match')
  if (tags !== null) return tags.trim() === '*' || entityTags(tags).includes(weak(etag))
  const since = Date.parse(request.get('if-modified-since') ?? '')
  const modified = Date.parse(lastModified ?? '')
  return modified <= since
}

/** An entity tag may have a comma in it. */
function entityTags(list: string): string[] {
  return [...list.matchAll(/(?:W\/)?"[^"]*"/g)].map(([tag]) => weak(tag))
}

const weak = (etag: string): string => etag.replace(/^W\//, '')
