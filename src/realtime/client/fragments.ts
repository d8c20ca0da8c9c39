import type { Off } from './emitter.ts'

/** HTML for a place of the page, as `publishFragment` of the server makes it. */
export interface Fragment {
  /** Selector of the elements. */
  target: string
  /** `update`: what is in them, `replace`: they themselves; the others as their names say. */
  action: 'append' | 'prepend' | 'replace' | 'update' | 'remove' | 'before' | 'after'
  html?: string
}

interface FragmentElement {
  id: string
  remove(): void
  querySelectorAll(selectors: string): Iterable<FragmentElement>
  // The methods that the actions are named after, and `replaceChildren`.
  [method: string]: unknown
}

interface FragmentRoot {
  querySelectorAll(selectors: string): Iterable<unknown>
  createElement?(name: 'template'): {
    innerHTML: string
    content: { children: Iterable<unknown>; cloneNode(deep: true): unknown }
  }
}

/** Options of {@link applyFragments}. */
export interface FragmentOptions {
  /** The type of the messages that are fragments. Default: `'fragment'`. */
  type?: string
  /** Called with each element that a fragment was applied to, to wake what is in it: `(element) => htmx.process(element)`. */
  applied?: (element: unknown) => unknown
}

const methods: Record<string, string> = { replace: 'replaceWith', update: 'replaceChildren' }

/**
 * Applies the fragments of a channel to the page. Elements with an `id` that are appended or prepended take the place of the one
 * that is there with the same. Scripts in the HTML do not run.
 *
 * @param live What `channel()` returned.
 * @returns what ends it
 */
export function applyFragments(
  live: { on(type: string, listener: (data: never) => unknown): Off },
  { type = 'fragment', applied }: FragmentOptions = {},
): Off {
  return live.on(type, ({ target, action, html = '' }: Fragment) => {
    const { document } = globalThis as unknown as { document: Required<FragmentRoot> }
    const template = document.createElement('template')
    template.innerHTML = html
    for (const element of document.querySelectorAll(target) as Iterable<FragmentElement>) {
      const { content } = template
      if (action.endsWith('pend'))
        for (const { id } of content.children as Iterable<FragmentElement>)
          if (id) for (const old of element.querySelectorAll(`#${CSS.escape(id)}`)) old.remove()
      const method = element[methods[action] ?? action] as ((content?: unknown) => void) | undefined
      method?.call(element, content.cloneNode(true))
      applied?.(element)
    }
  })
}

declare const CSS: { escape(text: string): string }
