/**
 * Pages that are open in a real browser, while everything fails that can fail: the network, a process, a release. It needs Chromium, as
 * `browser.test.ts` does.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Handcar, loadConfig } from 'handcar'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { Network } from './helpers/network.ts'
import { childrenOf, until } from './helpers/processes.ts'
import { RunningApp } from './helpers/running-app.ts'
import { Visitor } from './helpers/visitor.ts'

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const skip = !existsSync(executablePath) && `there is no browser at ${executablePath}`
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']

/** Each comment that was put into the page since it was read, in the order in which that happened. */
const added = (page: Page) => page.evaluate<string[]>('window.added')
const watch = `
  addEventListener('DOMContentLoaded', () => {
    window.added = []
    const list = document.querySelector('#comment-list')
    if (list) new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const { id } of addedNodes) if (id) window.added.push(id)
    }).observe(list, { childList: true })
  })`

describe('pages that are open', { skip, timeout: 240_000 }, () => {
  let app: RunningApp
  let url: string
  let network: Network
  let browser: Browser
  const contexts: BrowserContext[] = []
  let writer: Visitor

  /** A page in a browser profile of its own; `through` which network it sees the app. */
  async function open(path: string, through = url, script = ''): Promise<Page> {
    const context = await browser.newContext()
    contexts.push(context)
    await context.addInitScript(`${script};${watch}`)
    const page = await context.newPage()
    await page.goto(through + path)
    return page
  }

  /** Writes a post, and gives the path of its page. */
  async function publish(title: string): Promise<string> {
    const { headers } = await writer.post('/posts', { title, description: 'A text.' })
    return headers.get('location')!
  }

  /** Signs in on the page for that. */
  async function signIn(page: Page): Promise<void> {
    await page.getByLabel('Name').fill('natus_000')
    await page.getByLabel('Password').fill('password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'natus_000' }).first().waitFor()
  }

  before(async () => {
    app = new RunningApp({ WEB_CONCURRENCY: '2' })
    browser = await chromium.launch({ executablePath, args })
    url = await app.url()
    network = await Network.to(Number(new URL(url).port))
    writer = new Visitor({ request: (path, init) => fetch(url + path, { ...init, redirect: 'manual' }) })
    await writer.post('/sessions', { screen_name: 'natus_000', password: 'password' })
  })

  after(async () => {
    for (const context of contexts) await context.close()
    await browser.close()
    network[Symbol.dispose]()
    // In order, since processes that are left alone still write into the folder that is removed.
    await app.end('SIGTERM')
    await app[Symbol.asyncDispose]()
  })

  test('whatever fails, every comment comes to both of them once, in order', async () => {
    const path = '/posts/1'
    const near = await open(path)
    const far = await open(path, network.url)
    const pages = [near, far]
    for (const page of pages) await page.getByText('2 reading').waitFor()

    const end = new AbortController()
    let written = 0
    // A process may be killed before it answers; the page says in the end what was saved.
    const writing = (async () => {
      while (!end.signal.aborted) {
        const body = `Comment number ${written}`
        const { status } = await writer.post(`${path}/comments`, { body }).catch(() => ({ status: 0 }))
        if (status === 303) written++
        await delay(20)
      }
    })()
    /** Waits until both show what is being written now. */
    const caughtUp = async (when: string) => {
      const target = `Comment number ${written + 2}`
      for (const page of pages)
        await page
          .getByText(target, { exact: true })
          .first()
          .waitFor({ timeout: 60_000 })
          .catch((error: Error) => assert.fail(`${when}: ${error.message}`))
    }
    await caughtUp('at first')

    const before = written
    network.cut()
    await until(() => written > before + 20, 'some more comments')
    assert.ok((await added(far)).length < (await added(near)).length - 5, 'one of them hears nothing')
    network.mend()
    await caughtUp('after the network was cut')
    await far.getByText('Connected again: nothing was missed.').waitFor()

    await far.context().setOffline(true)
    await delay(300)
    await far.context().setOffline(false)
    await caughtUp('after it was offline')

    for (const pid of childrenOf(app.process.pid!)) {
      process.kill(pid, 'SIGKILL')
      await until(() => childrenOf(app.process.pid!).length === 2, 'another process')
    }
    await caughtUp('after all processes were killed')

    await app.reload()
    await caughtUp('after a release')
    for (const page of pages) await page.getByText('Connected again: nothing was missed.').waitFor()

    end.abort()
    await writing
    const saved = await writer.read(path)
    const ids = [...saved.matchAll(/id="(comment_\d+)"/g)].map((found) => found[1]!)
    const isNew = new Set(await added(near))
    const expected = ids.filter((id) => isNew.has(id)).toReversed()
    assert.ok(expected.length > 40, `${expected.length} comments`)
    for (const page of pages) {
      await page.getByRole('heading', { name: `${ids.length} comments`, exact: true }).waitFor()
      assert.deepEqual(await added(page), expected)
      const shown = await page.evaluate<string[]>(
        "[...document.querySelectorAll('#comment-list > *')].map(({ id }) => id)",
      )
      assert.deepEqual(shown, ids)
      await page.getByText('2 reading').waitFor()
    }
  })

  test('a vote is counted on all pages, once, also when there is no connection while it is given', async () => {
    const far = await open('/sign_in', network.url)
    await signIn(far)
    await far.goto(`${network.url}/posts/2`)
    const near = await open('/posts/2')
    const front = await open('/')
    const votes = (page: Page, count: string) =>
      page.locator('[data-counts="2"]').getByText(count, { exact: true }).waitFor()
    await near.getByText('2 reading').waitFor()
    const button = far.getByRole('button', { name: 'Vote for this' })
    network.cut()
    await button.click()
    await delay(100)
    assert.equal(await button.getAttribute('aria-pressed'), 'false')
    network.mend()
    for (const page of [near, far]) await votes(page, '1 vote')
    await far.locator('[aria-pressed=true]').waitFor()
    await button.click()
    for (const page of [near, far]) await votes(page, '0 votes')
    await far.reload()
    assert.equal(await button.getAttribute('aria-pressed'), 'false')
    assert.equal(await front.locator('#content').getAttribute('data-live'), 'front')
  })

  test('where no WebSocket comes about, an event stream does the same', async () => {
    const path = await publish('Behind an old proxy')
    const page = await open('/sign_in', url, 'WebSocket = class { constructor() { throw new Error("no") } }')
    await signIn(page)
    await page.goto(url + path)
    await page.getByText('1 reading').waitFor()
    await page.getByRole('button', { name: 'Vote for this' }).click()
    await page.locator('[aria-pressed=true]').waitFor()
    await page.getByText('1 vote', { exact: true }).waitFor()
    await writer.post(`${path}/comments`, { body: 'First of two.' })
    await page.getByText('First of two.').waitFor()
    await app.reload()
    await writer.post(`${path}/comments`, { body: 'Second of two.' })
    await page.getByText('Second of two.').waitFor()
    const comments = await writer.read(path)
    const ids = [...comments.matchAll(/id="(comment_\d+)"/g)].map((found) => found[1]!)
    assert.deepEqual(await added(page), ids.toReversed())
  })

  test('pages read themselves anew when an older database was restored, but keep what is being typed', async () => {
    const path = await publish('Older than its comments')
    const id = path.split('/').at(-1)
    const front = await open('/')
    const position = () => front.locator('#content').getAttribute('data-position')
    const before = await position()
    const writing = await open('/sign_in')
    await signIn(writing)
    await writing.goto(url + path)
    await writing.getByText('1 reading').waitFor()
    await writing.getByLabel('Your comment').fill('Half a thought')
    let loads = 0
    front.on('load', () => loads++)
    const config = await loadConfig(`${import.meta.dirname}/..`, { overrides: { HANDCAR_DATA: app.data } })
    await using script = new Handcar({ ...config, log: { level: 'error' } })
    await script.start()
    await script.realtime.newEpoch()
    await writing.getByText('Reload it to see everything').waitFor()
    assert.equal(await writing.getByLabel('Your comment').inputValue(), 'Half a thought')
    await until(async () => loads === 1, 'a front page that was read anew')
    await until(async () => (await position()) !== before, 'a position of the new epoch')
    await writer.post(`${path}/comments`, { body: 'Nobody misses this.' })
    await writing.getByText('Nobody misses this.').waitFor()
    await front.locator(`#post_${id}`).getByText('1 comment').waitFor()
    await delay(300)
    assert.equal(loads, 1)
    assert.equal(await front.locator('#notice').innerText(), '')
  })

  test('posts come to the front page and go, and only their authors get buttons', async () => {
    const front = await open('/')
    const own = await open('/sign_in')
    await signIn(own)
    await own.goto(url)
    const id = (await publish('Fresh <b>from</b> the press')).split('/').at(-1)
    for (const page of [front, own]) {
      await page.getByRole('heading', { name: 'Fresh <b>from</b> the press' }).waitFor()
      assert.equal(await page.locator('#posts > li').first().getAttribute('id'), `post_${id}`)
    }
    assert.equal(await front.locator(`#post_${id} .actions`).count(), 0)
    assert.equal(await own.locator(`#post_${id} .actions`).count(), 1)
    await writer.post(`/posts/${id}/comments`, { body: 'And a comment.' })
    for (const page of [front, own]) await page.locator(`#post_${id}`).getByText('1 comment').waitFor()
    const reader = await open(`/posts/${id}`)
    await writer.delete(`/posts/${id}`)
    for (const page of [front, own]) await page.locator(`#post_${id}`).waitFor({ state: 'detached' })
    await reader.getByText('This post has been deleted.').waitFor()
  })
})
