import { html } from 'hono/html'
import type { ListedComment } from '../models/comments.ts'
import type { CurrentSession } from '../models/sessions.ts'
import { Summary, TextArea, type FormState } from './fields.tsx'
import { Layout } from './layout.tsx'
import { DeleteButton, Prose, Time } from './pieces.tsx'

/** Whose buttons are shown. */
type Viewer = { user_id: number } | undefined

/** One comment under its post; it can be folded away. */
export const commentItem = (comment: ListedComment, viewer: Viewer, { isNew = false } = {}) =>
  html` <details open class="comment box${isNew && ' new'}" id="comment_${comment.id}">
    <summary>
      <a href="/users/${comment.user_id}">${comment.screen_name}</a>
      ${Time({ at: comment.created_at })}
    </summary>
    ${Prose({ text: comment.body })} ${viewer?.user_id === comment.user_id && <OwnersActions {...comment} />}
  </details>`

const OwnersActions = ({ id, user_id }: { id: number; user_id: number }) => (
  <div class="actions" data-owner={user_id}>
    <a href={`/comments/${id}/edit`}>
      Edit<span class="for-readers"> this comment</span>
    </a>
    <DeleteButton action={`/comments/${id}`} label="Delete" of="this comment" />
  </div>
)

/** The form for a comment. */
export const CommentForm = ({
  action,
  form,
  isEdit,
}: {
  action: string
  form: FormState
  isEdit?: boolean
}) => (
  <form class="box" method="post" action={action}>
    <Summary form={form} />
    {isEdit && <input type="hidden" name="_method" value="PATCH" />}
    <TextArea form={form} name="body" label="Your comment" rows={4} />
    <div class="actions">
      <button class="button">{isEdit ? 'Save changes' : 'Comment'}</button>
    </div>
  </form>
)

/** The page for changing a comment. */
export const CommentFormPage = (props: {
  id: number
  form: FormState
  session: CurrentSession | undefined
}) => (
  <Layout title="Edit comment" session={props.session}>
    <h1>Edit comment</h1>
    <CommentForm action={`/comments/${props.id}`} form={props.form} isEdit />
  </Layout>
)
