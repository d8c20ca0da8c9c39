import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { applyFragments, type Fragment } from './fragments.ts'

/** As much of a page as fragments need; `called` is what was done to its elements. */
function page(selectors: Record<string, string[]>): { called: unknown[] } {
  const called: unknown[] = []
  const element = (name: string) =>
    Object.fromEntries(
      ['append', 'prepend', 'replaceWith', 'replaceChildren', 'remove', 'before', 'after'].map((method) => [
        method,
        (content: string) => called.push(`${name}.${method}(${content})`),
      ]),
    )
  const createElement = () => {
    const template = { innerHTML: '', content: { cloneNode: () => template.innerHTML } }
    return template
  }
  const querySelectorAll = (selector: string) => (selectors[selector] ?? []).map(element)
  Object.assign(globalThis, { document: { createElement, querySelectorAll } })
  return { called }
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'document')
})

test('each action does what its name says, to all elements', () => {
  const { called } = page({ '#list': ['list'], '.vote': ['first', 'second'] })
  const fragments: Fragment[] = [
    { target: '#list', action: 'append', html: '<li>' },
    { target: '#list', action: 'replace', html: '<ol>' },
    { target: '.vote', action: 'update', html: '7' },
    { target: '.vote', action: 'remove' },
    { target: '#missing', action: 'after', html: '!' },
    { target: '#list', action: 'nonsense' as never, html: '?' },
  ]
  let applied = 0
  applyFragments(
    {
      on(type, listener) {
        assert.equal(type, 'html')
        for (const fragment of fragments) listener(fragment)
        return () => {}
      },
    },
    { type: 'html', applied: () => applied++ },
  )
  assert.deepEqual(called, [
    'list.append(<li>)',
    'list.replaceWith(<ol>)',
    'first.replaceChildren(7)',
    'second.replaceChildren(7)',
    'first.remove()',
    'second.remove()',
  ])
  assert.equal(applied, 7)
})
