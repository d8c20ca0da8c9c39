import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { CommentOfUser } from '../models/comments.ts'
import type { postsOfUser } from '../models/posts.ts'
import type { CurrentSession, ListedSession } from '../models/sessions.ts'
import type { ShownUser } from '../models/users.ts'
import { browserName } from '../web/browser-name.ts'
import { Summary, TextArea, TextField, type FormState } from './fields.tsx'
import { Layout } from './layout.tsx'
import { DeleteButton, Prose, Time } from './pieces.tsx'
import { counted } from './words.ts'

type Viewer = CurrentSession | undefined
type PostOfUser = Awaited<ReturnType<typeof postsOfUser>>[number]

/** A user with everything that they wrote. */
export function UserPage(props: {
  user: ShownUser
  /** How many comments they wrote. */
  comments: number
  /** {@link Writings}, made now or before. */
  writings: Child
  sessions: readonly ListedSession[]
  session: Viewer
}) {
  const { user, comments, writings, sessions, session } = props
  return (
    <Layout title={user.screen_name} session={session}>
      <section class="box" aria-labelledby="name">
        <h1 id="name">{user.screen_name}</h1>
        <p class="meta">
          <span>
            here since <Time at={user.created_at} />
          </span>
          <span>{counted(user.posts_count, 'post')}</span>
          <span>{counted(comments, 'comment')}</span>
        </p>
        <Prose text={user.about} />
        {session?.user_id === user.id && <OwnProfile />}
      </section>
      {session?.user_id === user.id && <Sessions sessions={sessions} current={session.id} />}
      {writings}
    </Layout>
  )
}

/** Everything that a user wrote: the same for all who look at it. */
export const Writings = (props: { posts: readonly PostOfUser[]; comments: readonly CommentOfUser[] }) => (
  <>
    <details open>
      <summary>
        <h2>{counted(props.posts.length, 'post')}</h2>
      </summary>
      <ol class="posts">{props.posts.map(postItem)}</ol>
    </details>
    <details>
      <summary>
        <h2>{counted(props.comments.length, 'comment')}</h2>
      </summary>
      {props.comments.map(commentItem)}
    </details>
  </>
)

const postItem = (post: PostOfUser) =>
  html` <li class="post box">
    <h3><a href="/posts/${post.id}">${post.title}</a></h3>
    <p class="meta">
      ${Time({ at: post.created_at })}
      <a href="/posts/${post.id}#comments">${counted(post.comments_count, 'comment')}</a>
    </p>
  </li>`

const commentItem = (comment: CommentOfUser) =>
  html` <article class="comment box">
    <p class="meta">
      <span>on <a href="/posts/${comment.post_id}#comment_${comment.id}">${comment.title}</a></span>
      ${Time({ at: comment.created_at })}
    </p>
    ${Prose({ text: comment.body })}
  </article>`

const OwnProfile = () => (
  <div class="actions">
    <a href="/user/edit">Edit profile</a>
    <details>
      <summary class="danger">Delete account</summary>
      <p>All your posts and comments go with it, and nobody can bring them back.</p>
      <DeleteButton action="/user" label="Yes, delete everything" />
    </details>
  </div>
)

const Sessions = ({ sessions, current }: { sessions: readonly ListedSession[]; current: number }) => (
  <details>
    <summary>
      <h2>{counted(sessions.length, 'session')}</h2>
    </summary>
    <ul class="posts">
      {sessions.map((session) => (
        <li class="box">
          <h3>
            {browserName(session.user_agent)}
            {session.id === current && ' (this one)'}
          </h3>
          <p class="meta">
            <span>{session.ip_address}</span>
            <span>
              last seen <Time at={session.last_seen_at} />
            </span>
          </p>
          <div class="actions">
            <DeleteButton action={`/sessions/${session.id}`} label="Sign out" of="of this session" />
          </div>
        </li>
      ))}
    </ul>
  </details>
)

/** The form for signing up. */
export const SignUpPage = ({ form, session }: { form: FormState; session: Viewer }) => (
  <Layout title="Sign up" session={session}>
    <h1>Sign up</h1>
    <form class="box" method="post" action="/users">
      <Summary form={form} />
      <UserFieldset form={form} passwordLabel="Password" passwordHint="At least 8 characters." />
      <div class="actions">
        <button class="button">Sign up</button>
        <a href="/sign_in">I have an account</a>
      </div>
    </form>
  </Layout>
)

/** The form for changing one's own profile. */
export const EditUserPage = ({ form, session }: { form: FormState; session: Viewer }) => (
  <Layout title="Edit profile" session={session}>
    <h1>Edit profile</h1>
    <form class="box" method="post" action="/user">
      <Summary form={form} />
      <input type="hidden" name="_method" value="PATCH" />
      <UserFieldset
        form={form}
        passwordLabel="New password"
        passwordHint="Leave it empty to keep the old one. A new one signs out your other sessions."
      />
      <div class="actions">
        <button class="button">Save changes</button>
        {session && <a href={`/users/${session.user_id}`}>Cancel</a>}
      </div>
    </form>
  </Layout>
)

function UserFieldset(props: { form: FormState; passwordLabel: string; passwordHint: string }) {
  const { form, passwordLabel, passwordHint } = props
  return (
    <>
      <TextField
        form={form}
        name="screen_name"
        label="Name"
        hint="3 to 30 letters, digits or underscores."
        autocomplete="username"
      />
      <TextField
        form={form}
        name="password"
        label={passwordLabel}
        hint={passwordHint}
        type="password"
        autocomplete="new-password"
      />
      <TextArea form={form} name="about" label="About you" hint="Optional." rows={6} />
    </>
  )
}

/** The form for signing in. */
export const SignInPage = ({ form, session }: { form: FormState; session: Viewer }) => (
  <Layout title="Sign in" session={session}>
    <h1>Sign in</h1>
    <form class="box" method="post" action="/sessions">
      <Summary form={form} />
      <TextField form={form} name="screen_name" label="Name" autocomplete="username" />
      <TextField
        form={form}
        name="password"
        label="Password"
        type="password"
        autocomplete="current-password"
      />
      <div class="actions">
        <button class="button">Sign in</button>
        <a href="/sign_up">I am new here</a>
      </div>
    </form>
  </Layout>
)
