import { describe, type StandardSchema } from '../../core/index.ts'

const actions = ['append', 'prepend', 'replace', 'update', 'remove', 'before', 'after'] as const

/** HTML for a place of a page: what the client's `applyFragments` takes. */
export interface Fragment {
  /** CSS selector of the elements. */
  target: string
  /** `update`: what is in them, `replace`: they themselves; the others as their names say. */
  action: (typeof actions)[number]
  /** Default: none. */
  html?: string
}

/** The schema of a {@link Fragment}: `messages: { fragment }`, for `realtime.publishFragment`. */
export const fragment: StandardSchema<Fragment> = {
  '~standard': {
    version: 1,
    vendor: 'handcar',
    validate(value) {
      const { target, action, html } = (value ?? {}) as Partial<Fragment>
      if (typeof target !== 'string' || target === '') return issue('target', 'a selector', target)
      if (!actions.includes(action!)) return issue('action', actions.join(' or '), action)
      if (html !== undefined && typeof html !== 'string') return issue('html', 'a text', html)
      return { value: { target, action: action!, ...(html === undefined ? {} : { html }) } }
    },
  },
}

function issue(key: string, expected: string, value: unknown) {
  return { issues: [{ message: `expected ${expected}, got ${describe(value)}`, path: [key] }] }
}
