import { Hono } from 'hono'
import type { AppDatabase } from '../database/index.ts'
import { createComment, deleteOwnComment, findOwnComment, updateComment } from '../models/comments.ts'
import { CommentFormPage } from '../views/comments.tsx'
import { PostPage } from '../views/posts.tsx'
import type { AppEnvironment } from '../web/environment.ts'
import { commentBody } from '../web/forms.ts'
import { orForm, page } from '../web/page.ts'
import { signedIn } from '../web/session-cookie.ts'
import { idOf } from './ids.ts'
import { readPost } from './posts.tsx'

/** Writing comments; they are read on the page of their post. */
export function commentRoutes(database: AppDatabase) {
  const { queries } = database
  const routes = new Hono<AppEnvironment>()

  routes.post('/posts/:id{[0-9]+}/comments', signedIn, async (context) => {
    const postId = idOf(context)
    const body = await context.req.parseBody()
    const { session } = context.var
    const create = async () => {
      const id = await createComment(database, postId, session.user_id, commentBody(body))
      return context.redirect(`/posts/${postId}#comment_${id}`, 303)
    }
    return orForm(context, body, create, async (form) => (
      <PostPage {...await readPost(database, postId, session)} session={session} form={form} />
    ))
  })

  routes.get('/comments/:id{[0-9]+}/edit', signedIn, async (context) => {
    const { session } = context.var
    const { id, body } = await findOwnComment(queries, idOf(context), session.user_id)
    return page(
      context,
      <CommentFormPage id={id} form={{ values: { body }, errors: {} }} session={session} />,
    )
  })

  routes.patch('/comments/:id{[0-9]+}', signedIn, async (context) => {
    const id = idOf(context)
    const body = await context.req.parseBody()
    const { session } = context.var
    await findOwnComment(queries, id, session.user_id)
    return orForm(
      context,
      body,
      async () => {
        const postId = await updateComment(database, id, session.user_id, commentBody(body))
        return context.redirect(`/posts/${postId}#comment_${id}`, 303)
      },
      (form) => <CommentFormPage id={id} form={form} session={session} />,
    )
  })

  routes.delete('/comments/:id{[0-9]+}', signedIn, async (context) => {
    const postId = await deleteOwnComment(database, idOf(context), context.var.session.user_id)
    return context.redirect(`/posts/${postId}`, 303)
  })

  return routes
}
