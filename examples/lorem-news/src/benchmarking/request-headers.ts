/**
 * The text of a benchmark's post. The talks' app writes the request's headers there, about 20 lines; a load generator sends
 * four, so the same weight is kept as it was.
 */
export const requestHeaders = [
  'Version: HTTP/1.1',
  'Host: localhost:3000',
  'User-Agent: hey/0.0.1',
  'Content-Length: 0',
  'Content-Type: text/html',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-GB,en;q=0.9,pl;q=0.8',
  'Cache-Control: no-cache',
  'Connection: keep-alive',
  'Pragma: no-cache',
  'Referer: http://localhost:3000/posts',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-User: ?1',
  'Upgrade-Insecure-Requests: 1',
  'X-Forwarded-For: 127.0.0.1',
  'X-Forwarded-Host: localhost:3000',
  'X-Forwarded-Proto: http',
].join('\n')
