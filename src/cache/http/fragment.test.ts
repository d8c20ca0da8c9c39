import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html } from 'hono/html'
import { jsx } from 'hono/jsx'
import { cacheForTest } from '../../../test/helpers/cache.ts'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { fragment } from '../index.ts'

test('a piece is rendered once, and a template does not escape it again', async () => {
  await using context = await cacheForTest()
  const { cache } = context
  let made = 0
  const post = (title: string) =>
    fragment(cache, `post ${title}`, { tags: ['posts'] }, () => {
      made++
      return html`<li>${title}</li>`
    })
  const page = async () => String(await html`${post('a & b')}${post('c')}`).replaceAll(/\n\s*/g, '')
  assert.equal(await page(), '<li>a &amp; b</li><li>c</li>')
  assert.equal(await page(), '<li>a &amp; b</li><li>c</li>')
  assert.equal(made, 2)
  await cache.invalidate('posts')
  await page()
  assert.equal(made, 4)
})

test('JSX, also with components that take their time', async () => {
  await using context = await cacheForTest()
  const Slow = async () => jsx('b', {}, 'slow & ready')
  const render = () => jsx('p', { title: '"' }, jsx(Slow, {}))
  for (let time = 0; time < 2; time++) {
    const piece = await fragment(context.cache, 'piece', {}, render)
    assert.equal(String(piece), '<p title="&quot;"><b>slow &amp; ready</b></p>')
    assert.equal(await jsx('div', {}, piece).toString(), `<div>${String(piece)}</div>`)
  }
})

test('what is sent bit by bit is refused', async () => {
  await using context = await cacheForTest()
  const streamed = Object.assign(new String('…'), { isEscaped: true, callbacks: [() => undefined] })
  const piece = () => fragment(context.cache, 'piece', {}, () => streamed)
  assert.equal(await codeOf(piece), 'HANDCAR_CACHE_VALUE')
})

test('a cache or a function that was forgotten is said so', async () => {
  await using context = await cacheForTest()
  const render = () => 'text'
  const withoutOptions = await errorOf(() =>
    fragment(context.cache, 'key', render as never, undefined as never),
  )
  assert.equal(withoutOptions.message, 'fragment render: expected a function, got undefined')
  const withoutCache = await errorOf(() => fragment(undefined as never, 'key', {}, render))
  assert.equal(withoutCache.message, 'fragment cache: expected a Cache, got undefined')
})
