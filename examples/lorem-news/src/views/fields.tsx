import type { Child } from 'hono/jsx'
import type { FieldErrors } from '../models/errors.ts'

/** What a form starts with, or was sent with, and what is wrong with it. */
export interface FormState {
  values: Readonly<Record<string, string>>
  errors: FieldErrors
}

interface FieldProps {
  form: FormState
  name: string
  label: string
  hint?: string
}

/** A line of text with its label, hint and message. */
export function TextField(props: FieldProps & { type?: string; autocomplete?: string }) {
  const { name, form, type = 'text', autocomplete } = props
  const value = type === 'password' ? undefined : (form.values[name] ?? '')
  return (
    <Field {...props}>
      <input
        id={name}
        name={name}
        type={type}
        value={value}
        autocomplete={autocomplete}
        {...described(props)}
      />
    </Field>
  )
}

/** Several lines of text with their label, hint and message. */
export function TextArea(props: FieldProps & { rows: number }) {
  const { name, form, rows } = props
  return (
    <Field {...props}>
      <textarea id={name} name={name} rows={rows} {...described(props)}>
        {form.values[name] ?? ''}
      </textarea>
    </Field>
  )
}

function Field({ form, name, label, hint, children }: FieldProps & { children: Child }) {
  const message = form.errors[name]
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {children}
      {message && (
        <p class="error" id={`${name}-error`}>
          {message}
        </p>
      )}
    </div>
  )
}

/** Ties the hint and the message to the field for those who hear the page. */
function described({ form, name, hint }: FieldProps) {
  const isWrong = form.errors[name] !== undefined
  const ids = [hint && `${name}-hint`, isWrong && `${name}-error`].filter(Boolean).join(' ')
  return { 'aria-describedby': ids || undefined, 'aria-invalid': isWrong ? 'true' : undefined }
}

/** Says above a form what is wrong in it. */
export function Summary({ form }: { form: FormState }) {
  // Two fields can share one message; it is said once, and leads to the first of them.
  const problems = Object.entries(form.errors).filter(
    ([, message], index, all) => all.findIndex((other) => other[1] === message) === index,
  )
  if (problems.length === 0) return null
  return (
    <div class="summary" role="alert">
      <p>Please look at this again:</p>
      <ul>
        {problems.map(([name, message]) => (
          <li>
            <a href={`#${name}`}>{message}</a>
          </li>
        ))}
      </ul>
    </div>
  )
}
