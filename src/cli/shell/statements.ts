/** Statements that a text begins with, and what follows the last semicolon that ends one. */
export interface SplitText {
  statements: string[]
  rest: string
}

/** A quoted text, a comment, a word, or one other character; quotes and comments may have no end yet. */
const token =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$)|\w+|[\s\S]/g
const isGap = /^(?:\s|--|\/\*)/

/**
 * Cuts a text into SQL statements, as SQLite's `sqlite3_complete` finds their ends: at a semicolon that is not in a text, a
 * name, a comment or the body of a trigger.
 */
export function splitStatements(text: string): SplitText {
  const statements: string[] = []
  let start = 0
  let words: string[] = []
  for (const { 0: part, index } of text.matchAll(token)) {
    if (part !== ';') {
      if (!isGap.test(part)) words.push(part.toLowerCase())
      continue
    }
    if (isTrigger(words) && words.slice(-2).join('') !== ';end') {
      words.push(part)
      continue
    }
    if (words.length > 0) statements.push(text.slice(start, index + 1).trim())
    start = index + 1
    words = []
  }
  return { statements, rest: words.length > 0 ? text.slice(start).trim() : '' }
}

function isTrigger(words: string[]): boolean {
  return /^(?:explain )?create (?:temp |temporary )?trigger\b/.test(words.slice(0, 4).join(' '))
}
