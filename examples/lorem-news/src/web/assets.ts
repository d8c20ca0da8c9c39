import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'

/** A file that browsers may keep forever, because its address changes with its content. */
function asset(name: string, type: string) {
  const content = readFileSync(new URL(`../assets/${name}`, import.meta.url), 'utf8')
  const version = createHash('sha256').update(content).digest('base64url').slice(0, 12)
  return { path: `/${name}`, url: `/${name}?v=${version}`, content, type }
}

/** The app's style sheet. */
export const styles = asset('styles.css', 'text/css; charset=utf-8')

/** The script of pages that go on while they are open. */
export const liveScript = asset('live.js', 'text/javascript; charset=utf-8')

const icon = asset('icon.svg', 'image/svg+xml')

/** Serves the style sheet, the script and the icon from memory. */
export const assets = new Hono()

for (const { path, content, type } of [styles, liveScript, icon]) {
  const headers = { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }
  assets.get(path, (context) => context.body(content, 200, headers))
}
