import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp, openSite, privately } from './helpers/site.ts'

const site = await openSite()
const member = await site.member('olivia')
const behindProxy = createApp(site.database, {
  origin: 'https://news.example',
  benchmarking: false,
  ...privately,
})

type Headers = Record<string, string>

/** Tries to write a comment in the name of somebody who is signed in; the status tells whether it got through. */
async function attempt(
  headers: Headers,
  { app = site.app, method = 'POST', body = 'body=From%20a%20form' } = {},
) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const init = { method, body, headers: { ...type, cookie: member.cookie, ...headers } }
  return (await app.request('/posts/1/comments', init)).status
}

test('a form of our own pages is accepted', async () => {
  assert.equal(await attempt({ 'sec-fetch-site': 'same-origin', origin: 'http://localhost' }), 303)
  assert.equal(await attempt({ 'sec-fetch-site': 'same-origin' }), 303)
  assert.equal(await attempt({ origin: 'http://localhost' }), 303)
})

test('a form of any other page is refused', async () => {
  const foreign: Headers[] = [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: 'http://localhost.evil.example' },
    { origin: 'http://localhost:81' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site', origin: 'https://other.localhost' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'SAME-ORIGIN' },
    { referer: 'http://localhost/' },
  ]
  for (const headers of foreign) assert.equal(await attempt(headers), 403, JSON.stringify(headers))
})

test('no content type and no method leads around the check', async () => {
  const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  for (const type of [
    'text/plain',
    'multipart/form-data; boundary=x',
    'APPLICATION/X-WWW-FORM-URLENCODED',
    '',
  ]) {
    assert.equal(await attempt({ ...evil, 'content-type': type }), 403, type)
  }
  for (const method of ['PATCH', 'DELETE', 'PUT']) assert.equal(await attempt(evil, { method }), 403, method)
  assert.equal(await attempt(evil, { body: '_method=DELETE' }), 403)
})

test('JSON, which no foreign form can send unasked, changes nothing either', async () => {
  const headers = {
    'content-type': 'application/json',
    'sec-fetch-site': 'cross-site',
    origin: 'https://evil.example',
  }
  assert.equal(await attempt(headers, { body: '{"body":"Not a form at all"}' }), 422)
})

test('behind a proxy the origin is the one that browsers see', async () => {
  assert.equal(await attempt({ origin: 'http://localhost' }, { app: behindProxy }), 403)
  // Let through; the cookie of the plain site means nothing here.
  assert.equal(await attempt({ origin: 'https://news.example' }, { app: behindProxy }), 303)
})

test('the refusal looks like the app, and nothing was written', async () => {
  const count = async () => (await site.queries.selectFrom('comments').select('id').execute()).length
  const before = await count()
  const response = await site.app.request('/posts/1', {
    method: 'POST',
    body: '_method=DELETE',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: member.cookie },
  })
  assert.equal(response.status, 403)
  assert.match(await response.text(), /<h1 id="problem">Not allowed<\/h1>/)
  assert.equal(await count(), before)
})

test('reading needs no proof of where it comes from', async () => {
  const response = await site.app.request('/posts/1', { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(response.status, 200)
})
