import type { Off } from './emitter.ts'

/** HTML for a place of the page, as `publishFragment` of the server makes it. */
export interface Fragment {
  /** Selector of the elements. */
  target: string
  /** `update`: what is in them, `replace`: they themselves; the others as their names say. */
  action: 'append' | 'prepend' | 'replace' | 'update' | 'remove' | 'before' | 'after'
  html?: string
}

interface Page {
  createElement(name: 'template'): { innerHTML: string; content: { cloneNode(deep: true): unknown } }
  /** Elements have methods that the actions are named after, and two of `methods`. */
  querySelectorAll(selectors: string): Iterable<Record<string, ((content: unknown) => void) | undefined>>
}

/** Options of {@link applyFragments}. */
export interface FragmentOptions<Type extends string = 'fragment'> {
  /** The type of the messages that are fragments. Default: `'fragment'`. */
  type?: Type
  /** Called with each element that a fragment was applied to, to wake what is in it: `(element) => htmx.process(element)`. */
  applied?: (element: unknown) => unknown
}

const methods: Record<string, string> = { replace: 'replaceWith', update: 'replaceChildren' }

/**
 * Applies the fragments of a channel to the page. Scripts in the HTML do not run.
 *
 * @param live What `channel()` returned.
 * @returns what ends it
 */
export function applyFragments<Type extends string = 'fragment'>(
  live: { on(type: NoInfer<Type>, listener: (data: Fragment) => unknown): Off },
  { type = 'fragment' as Type, applied }: FragmentOptions<Type> = {},
): Off {
  return live.on(type, ({ target, action, html = '' }) => {
    const { document } = globalThis as unknown as { document: Page }
    const template = document.createElement('template')
    template.innerHTML = html
    for (const element of document.querySelectorAll(target)) {
      element[methods[action] ?? action]?.(template.content.cloneNode(true))
      applied?.(element)
    }
  })
}
