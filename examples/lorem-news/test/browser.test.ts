/**
 * The app in a real browser, without JavaScript. It needs Chromium: `apt-get install chromium`, or the path of another one in
 * CHROMIUM_PATH. Where there is none, the test is skipped and says so.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { RunningApp } from './helpers/running-app.ts'

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const skip =
  !existsSync(executablePath) &&
  `there is no browser at ${executablePath}: apt-get install chromium, or set CHROMIUM_PATH`

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]
const args = [...quiet, '--disable-component-update', '--disable-sync']

describe('in a browser without JavaScript', { skip, timeout: 60_000 }, () => {
  const profile = mkdtempSync(join(tmpdir(), 'lorem-news-browser-'))
  let app: RunningApp
  let browser: BrowserContext
  let page: Page
  let url: string

  before(async () => {
    app = new RunningApp({ WEB_CONCURRENCY: '1', NODE_ENV: 'development' })
    browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      args,
      javaScriptEnabled: false,
    })
    page = await browser.newPage()
    url = await app.url()
  })

  after(async () => {
    await browser.close()
    await app[Symbol.asyncDispose]()
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 })
  })

  test('somebody signs up, writes, comments, edits, deletes and signs out', async () => {
    await page.goto(url)
    await page.getByRole('link', { name: 'Sign up' }).click()
    await page.getByLabel('Name').fill('sybil')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Sign up' }).click()
    assert.match(await page.getByRole('alert').innerText(), /The password needs at least 8 characters/)
    assert.equal(await page.getByLabel('Name').inputValue(), 'sybil')
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Sign up' }).click()
    await page.getByRole('heading', { name: 'sybil' }).waitFor()

    await page.getByRole('link', { name: 'New post' }).click()
    await page.getByLabel('Title').fill('Written in a browser')
    await page.getByLabel('Text').fill('One paragraph.\n\nAnother one.')
    await page.getByRole('button', { name: 'Publish' }).click()
    await page.getByRole('heading', { name: 'Written in a browser' }).waitFor()
    assert.equal(await page.locator('article .prose p').count(), 2)

    await page.getByLabel('Your comment').fill('First to comment.')
    await page.getByRole('button', { name: 'Comment' }).click()
    await page.locator('.comment').getByText('First to comment.').waitFor()
    await page.getByRole('link', { name: 'Edit this comment' }).click()
    await page.getByLabel('Your comment').fill('Second thoughts.')
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.locator('.comment').getByText('Second thoughts.').waitFor()
    await page.getByRole('button', { name: 'Delete this comment' }).click()
    await page.getByRole('heading', { name: '0 comments' }).waitFor()

    await page.getByRole('link', { name: 'Edit Written in a browser' }).click()
    await page.getByLabel('Title').fill('Edited in a browser')
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('heading', { name: 'Edited in a browser' }).waitFor()
    await page.getByRole('button', { name: 'Delete Edited in a browser' }).click()
    await page.getByRole('heading', { name: 'Posts' }).waitFor()
    assert.equal(await page.getByText('Edited in a browser').count(), 0)

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    await page.goto(`${url}/posts/new`)
    assert.equal(new URL(page.url()).pathname, '/sign_in')
  })

  test('a seeded user signs in and sees the session', async () => {
    await page.goto(`${url}/sign_in`)
    await page.getByLabel('Name').fill('natus_000')
    await page.getByLabel('Password').fill('password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'natus_000' }).first().click()
    await page.getByRole('heading', { name: '1 session' }).click()
    await page.getByText(/^Chrome on Linux \(this one\)$/).waitFor()
  })

  test('in development the mails can be read: the welcome of whoever has signed up, and a digest', async () => {
    await page.goto(`${url}/mailbox`)
    const welcome = page.getByRole('heading', { name: 'Welcome to Lorem News, sybil' })
    while ((await welcome.count()) === 0) await page.reload()
    await page.getByRole('button', { name: 'Send the digest of today' }).click()
    await page.getByText(/sent to \d+ readers?$/).waitFor()
    const picture = await page.screenshot()
    assert.ok(picture.length > 10_000, `${picture.length} bytes`)
  })

  test('every page has its landmarks, one heading of the first level, and a name for all that can be used', async () => {
    for (const path of [
      '/',
      '/posts/1',
      '/users/1',
      '/posts/new',
      '/user/edit',
      '/sign_up',
      '/sign_in',
      '/mailbox',
      '/nowhere',
    ]) {
      await page.goto(url + path)
      for (const landmark of ['banner', 'main', 'contentinfo', 'navigation'] as const) {
        assert.equal(await page.getByRole(landmark).count(), 1, `${path}: ${landmark}`)
      }
      assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1, path)
      assert.equal(await page.locator('html[lang]').count(), 1)
      const fields = page.locator('input:not([type=hidden]), textarea')
      for (const field of await fields.all()) {
        const name = await field.getAttribute('id')
        assert.equal(await page.locator(`label[for="${name}"]`).count(), 1, `${path}: ${name}`)
      }
      for (const control of await page.locator('button, a').all()) {
        assert.notEqual((await control.textContent())?.trim(), '', `${path}: ${await control.innerHTML()}`)
      }
    }
  })

  test('the keyboard reaches the content first, and sees where it is', async () => {
    await page.goto(url)
    await page.keyboard.press('Tab')
    const focused = page.locator(':focus')
    assert.equal(await focused.textContent(), 'Skip to the content')
    assert.ok((await focused.boundingBox())!.y >= 0)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await focused.textContent(), 'New post')
  })

  test('it looks like something, by day and by night, on a wide screen and on a narrow one', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const width of [320, 1000]) {
        await page.setViewportSize({ width, height: 800 })
        await page.goto(`${url}/posts/1`)
        const picture = await page.screenshot()
        assert.ok(picture.length > 10_000, `${picture.length} bytes`)
        const paper = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
        assert.equal(paper, colorScheme === 'light' ? 'rgb(255, 253, 247)' : 'rgb(22, 20, 15)')
        const content = Number(await page.evaluate('document.documentElement.scrollWidth'))
        assert.ok(content <= width, `${content} px of content in ${width}`)
      }
    }
  })
})
