import type { Context } from 'hono'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { FormState } from '../views/fields.tsx'
import { InvalidError } from '../models/errors.ts'
import { text, type FormBody } from './forms.ts'

/** Answers with a page. It goes out as one plain string, which the server writes without going through a stream. */
export async function page(
  context: Context,
  content: JSX.Element,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const headers = { 'cache-control': 'private, no-cache' }
  return context.html(`<!doctype html>${await content}`, status, headers)
}

/** Runs an action; what cannot be saved goes back as the form with its messages and with what was typed: a 422. */
export async function orForm(
  context: Context,
  body: FormBody,
  action: () => Promise<Response>,
  form: (state: FormState) => JSX.Element | Promise<JSX.Element>,
): Promise<Response> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error
    const values = Object.fromEntries(Object.keys(body).map((name) => [name, text(body, name)]))
    return page(context, await form({ values, errors: error.fields }), 422)
  }
}
