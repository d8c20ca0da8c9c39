import type { Child } from 'hono/jsx'
import type { CurrentSession } from '../models/sessions.ts'
import type { LivePage } from '../live/live.tsx'
import { liveScript, styles } from '../web/assets.ts'

/** What {@link Layout} frames. */
export interface LayoutProps {
  title: string
  session: CurrentSession | undefined
  /** How the page goes on while it is open; without it it stays as it is. */
  live?: LivePage | undefined
  children: Child
}

/** The frame of every page. */
export function Layout({ title, session, live, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Lorem News</title>
        <link rel="stylesheet" href={styles.url} />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        {live && <script type="module" src={liveScript.url} />}
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header class="site">
          <a class="brand" href="/">
            Lorem News
          </a>
          <Navigation session={session} />
        </header>
        <main
          id="content"
          tabindex={-1}
          data-live={live?.channel}
          data-position={live?.position}
          data-user={live && session?.user_id}
        >
          {children}
        </main>
        {live && <p class="notice" id="notice" role="status" />}
        <footer class="site">
          <p>The demo of the talks about SQLite by Stephen Margheim, on handcar.</p>
        </footer>
      </body>
    </html>
  )
}

function Navigation({ session }: { session: CurrentSession | undefined }) {
  if (!session) {
    return (
      <nav aria-label="Main">
        <a href="/sign_in">Sign in</a>
        <a href="/sign_up">Sign up</a>
      </nav>
    )
  }
  return (
    <nav aria-label="Main">
      <a href="/posts/new">New post</a>
      <a href={`/users/${session.user_id}`}>{session.screen_name}</a>
      <form method="post" action={`/sessions/${session.id}`}>
        <input type="hidden" name="_method" value="DELETE" />
        <button class="link">Sign out</button>
      </form>
    </nav>
  )
}
