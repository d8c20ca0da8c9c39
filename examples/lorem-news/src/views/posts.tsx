import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { ListedComment } from '../models/comments.ts'
import type { ListedPost, ShownPost } from '../models/posts.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { CommentForm, commentItem } from './comments.tsx'
import { Summary, TextArea, TextField, type FormState } from './fields.tsx'
import { Layout, type LayoutProps } from './layout.tsx'
import { counts } from './counts.ts'
import { DeleteButton, Prose, Tags, Time } from './pieces.tsx'
import { counted } from './words.ts'

type Viewer = CurrentSession | undefined

/** The front page: a list of posts, made now or before. */
export const PostsPage = ({
  list,
  live,
  session,
}: {
  list: Child
  live?: LayoutProps['live']
  session: Viewer
}) => (
  <Layout title="Posts" session={session} live={live}>
    <div class="heading">
      <h1>Posts</h1>
      <a class="button" href="/posts/new">
        New post
      </a>
    </div>
    {list}
  </Layout>
)

/** The list of the front page. Authors find buttons at their own posts; all others see the same. */
export const PostList = ({ posts, session }: { posts: readonly ListedPost[]; session: Viewer }) => (
  <>
    <ol class="posts" id="posts">
      {posts.map((post) => postItem(post, session))}
    </ol>
    {posts.length === 0 && <p class="box if-none">Nothing here yet. Write the first post.</p>}
  </>
)

/** A post in a list. */
export const postItem = (post: ListedPost, viewer: { user_id: number } | undefined, { isNew = false } = {}) =>
  html` <li class="post box${isNew && ' new'}" id="post_${post.id}">
    <h2><a href="/posts/${post.id}">${post.title}</a></h2>
    ${Tags({ json: post.tags })}
    <p class="meta">
      <span>by <a href="/users/${post.user_id}">${post.screen_name}</a></span>
      ${Time({ at: post.created_at })} ${counts(post)}
    </p>
    ${viewer?.user_id === post.user_id && <OwnersActions post={post} />}
  </li>`

const OwnersActions = ({ post }: { post: { id: number; user_id: number; title: string } }) => (
  <div class="actions" data-owner={post.user_id}>
    <a href={`/posts/${post.id}/edit`}>
      Edit<span class="for-readers"> {post.title}</span>
    </a>
    <DeleteButton action={`/posts/${post.id}`} label="Delete" of={post.title} />
  </div>
)

/** One post with its comments. */
export function PostPage(props: {
  post: ShownPost
  comments: readonly ListedComment[]
  /** Whether the one who looks at it has voted for it. */
  isFor?: boolean
  live?: LayoutProps['live']
  session: Viewer
  form?: FormState
}) {
  const { post, comments, isFor = false, live, session, form } = props
  return (
    <Layout title={post.title} session={session} live={live}>
      <article class="post box" id={`post_${post.id}`}>
        <Story post={post} />
        {session && <VoteButton postId={post.id} isFor={isFor} />}
        {session?.user_id === post.user_id && <OwnersActions post={post} />}
      </article>
      <section id="comments" aria-labelledby="comments-heading">
        <h2 id="comments-heading" data-comments={post.id}>
          {counted(comments.length, 'comment')}
        </h2>
        {session ? (
          <CommentForm action={`/posts/${post.id}/comments`} form={form ?? { values: {}, errors: {} }} />
        ) : (
          <p class="box">
            <a href="/sign_in">Sign in</a> to comment.
          </p>
        )}
        <div id="comment-list" aria-live="polite">
          {comments.map((comment) => commentItem(comment, session))}
        </div>
      </section>
    </Layout>
  )
}

/** What a post says: the same for all who read it. */
export const Story = ({ post }: { post: ShownPost }) => (
  <div class="story" id="story">
    <h1>{post.title}</h1>
    <Tags json={post.tags} />
    <p class="meta">
      <span>
        by <a href={`/users/${post.user_id}`}>{post.screen_name}</a>
      </span>
      <Time at={post.published_at} />
      {counts(post)}
      <a href={`/p/${post.public_id}`} rel="bookmark">
        permanent link
      </a>
      <span class="reading" id="reading" />
    </p>
    <Prose text={post.description} />
  </div>
)

const VoteButton = ({ postId, isFor }: { postId: number; isFor: boolean }) => (
  <form class="vote" id="vote" method="post" action={`/posts/${postId}/vote`}>
    <input type="hidden" name="is_for" value={isFor ? '0' : '1'} />
    <button class="button" aria-pressed={isFor ? 'true' : 'false'}>
      Vote for this
    </button>
  </form>
)

/** The form for a new post, or for changing one. */
export function PostFormPage({ id, form, session }: { id?: number; form: FormState; session: Viewer }) {
  const title = id ? 'Edit post' : 'New post'
  return (
    <Layout title={title} session={session}>
      <h1>{title}</h1>
      <form class="box" method="post" action={id ? `/posts/${id}` : '/posts'}>
        <Summary form={form} />
        {id && <input type="hidden" name="_method" value="PATCH" />}
        <TextField
          form={form}
          name="title"
          label="Title"
          hint="At least 5 characters, and not used before."
        />
        <TextArea
          form={form}
          name="description"
          label="Text"
          rows={14}
          hint="A blank line starts a new paragraph."
        />
        <TextField form={form} name="tags" label="Tags" hint="Up to five, separated by commas. Optional." />
        <div class="actions">
          <button class="button">{id ? 'Save changes' : 'Publish'}</button>
          <a href={id ? `/posts/${id}` : '/'}>Cancel</a>
        </div>
      </form>
    </Layout>
  )
}
