import { Hono } from 'hono'
import type { AppDatabase } from '../database/index.ts'
import { commentsOfPost } from '../models/comments.ts'
import { isForPost, vote } from '../models/votes.ts'
import {
  createPost,
  deleteOwnPost,
  findOwnPost,
  findPost,
  findPostByPublicId,
  updatePost,
} from '../models/posts.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { frontList } from '../views/kept.tsx'
import { PostFormPage, PostPage, PostsPage } from '../views/posts.tsx'
import type { AppEnvironment } from '../web/environment.ts'
import { postFields } from '../web/forms.ts'
import { orForm, page } from '../web/page.ts'
import { signedIn } from '../web/session-cookie.ts'
import { idOf } from './ids.ts'

/** What the page of a post shows, all of the same moment. Throws NotFoundError. */
export const readPost = ({ queries, live }: AppDatabase, id: number, session: CurrentSession | undefined) =>
  live.read(`posts/${id}`, async () => ({
    post: await findPost(queries, id),
    comments: await commentsOfPost(queries, id),
    isFor: session && (await isForPost(queries, id, session.user_id)),
  }))

/** Reading and writing posts. */
export function postRoutes(database: AppDatabase) {
  const { queries } = database
  const routes = new Hono<AppEnvironment>()

  routes.on('GET', ['/', '/posts'], async (context) => {
    const { session } = context.var
    return page(context, <PostsPage {...await frontList(database, session)} session={session} />)
  })

  routes.get('/posts/new', signedIn, (context) =>
    page(context, <PostFormPage form={{ values: {}, errors: {} }} session={context.var.session} />),
  )

  routes.post('/posts', signedIn, async (context) => {
    const body = await context.req.parseBody()
    const { session } = context.var
    return orForm(
      context,
      body,
      async () =>
        context.redirect(`/posts/${await createPost(database, session.user_id, postFields(body))}`, 303),
      (form) => <PostFormPage form={form} session={session} />,
    )
  })

  routes.get('/posts/:id{[0-9]+}', async (context) => {
    const { session } = context.var
    return page(context, <PostPage {...await readPost(database, idOf(context), session)} session={session} />)
  })

  routes.post('/posts/:id{[0-9]+}/vote', signedIn, async (context) => {
    const id = idOf(context)
    const { is_for } = await context.req.parseBody()
    await vote(database, id, context.var.session.user_id, is_for === '1')
    return context.redirect(`/posts/${id}`, 303)
  })

  routes.get('/p/:publicId{[0-9a-f]+}', async (context) =>
    context.redirect(`/posts/${await findPostByPublicId(queries, context.req.param('publicId'))}`),
  )

  routes.get('/posts/:id{[0-9]+}/edit', signedIn, async (context) => {
    const { session } = context.var
    const { id, title, description, tags } = await findOwnPost(queries, idOf(context), session.user_id)
    const values = { title, description, tags: (JSON.parse(tags) as string[]).join(', ') }
    return page(context, <PostFormPage id={id} form={{ values, errors: {} }} session={session} />)
  })

  routes.patch('/posts/:id{[0-9]+}', signedIn, async (context) => {
    const id = idOf(context)
    const body = await context.req.parseBody()
    const { session } = context.var
    await findOwnPost(queries, id, session.user_id)
    return orForm(
      context,
      body,
      async () => {
        await updatePost(database, id, session.user_id, postFields(body))
        return context.redirect(`/posts/${id}`, 303)
      },
      (form) => <PostFormPage id={id} form={form} session={session} />,
    )
  })

  routes.delete('/posts/:id{[0-9]+}', signedIn, async (context) => {
    await deleteOwnPost(database, idOf(context), context.var.session.user_id)
    return context.redirect('/posts', 303)
  })

  return routes
}
