import assert from 'node:assert/strict'
import { test } from 'node:test'
import { naiveModes } from '../src/benchmarking/naive/modes.ts'
import type { DatabaseMode } from '../src/settings.ts'
import { openSite, seededFolder } from './helpers/site.ts'
import { postIdOf } from './helpers/visitor.ts'

const data = await seededFolder()
const handcar = await openSite({ data })
const modes = Object.keys(naiveModes) as DatabaseMode[]

/** As it would be without realtime, which the other databases have not. */
const unplaced = (page: string) =>
  page
    .replace(/<script type="module" [^>]+><\/script>/, '')
    .replace(/ data-live="[^"]+" data-position="[^"]+"/, '')
    .replace(/<p class="notice".*?<\/p>/, '')

test('every page is the same in every mode', async () => {
  const paths = ['/', '/posts/1', '/posts/500', '/users/1', '/users/50', '/sign_in', '/posts/99999']
  const visitor = handcar.visitor()
  const expected = await Promise.all(paths.map(async (path) => unplaced(await visitor.read(path))))
  for (const mode of modes) {
    const other = (await openSite({ data, mode })).visitor()
    for (const [index, path] of paths.entries())
      assert.equal(await other.read(path), expected[index], `${mode} ${path}`)
  }
})

test('every mode serves every benchmark action', async () => {
  for (const mode of modes) {
    const site = await openSite({ data, mode })
    const created = await site.app.request('/benchmarking/post_create', { method: 'POST' })
    assert.match(await handcar.visitor().read(`/posts/${postIdOf(created)}`), /<h1>Post /)
    for (const action of ['comment_create', 'post_destroy', 'comment_destroy', 'posts_index', 'balanced']) {
      const response = await site.app.request(`/benchmarking/${action}`, { method: 'POST' })
      assert.ok([200, 302, 404].includes(response.status), `${mode} ${action} ${response.status}`)
    }
  }
})

test('the naive modes fail and wait as they are known to', async () => {
  const site = await openSite({ data, mode: 'deferred' })
  const retrying = await openSite({ data, mode: 'immediate-retry' })
  const post = { title: '', description: 'A text.', tags: [] }
  const { createPost } = await import('../src/models/posts.ts')
  // Another connection holds the write lock while the others try.
  const holder = await openSite({ data, mode: 'immediate-retry' })
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  let waiting: Promise<number> | undefined
  await holder.queries.transaction().execute(async () => {
    await assert.rejects(createPost(site.database, 1, { ...post, title: 'Deferred and busy' }), {
      code: 'SQLITE_BUSY',
    })
    waiting = createPost(retrying.database, 1, { ...post, title: 'Retried until free' })
    setImmediate(release)
    await released
  })
  assert.ok((await waiting!) > 0)
})
