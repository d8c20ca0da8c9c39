import { writeFileSync } from 'node:fs'
import { errorCatalog } from '../src/core/error-catalog.ts'

/** Path of the page that this script writes. */
export const errorsReferencePath = new URL('../docs/reference/errors.md', import.meta.url)

/** The page about all error codes, made from the catalog in `src/core/error-catalog.ts`. */
export function errorsReference(): string {
  const sections = Object.entries(errorCatalog).map(
    ([code, { title, fix }]) => `## ${code}\n\n${title}.\n\n**What to do:** ${fix}\n`,
  )
  return [introduction, ...sections].join('\n')
}

const introduction = `# Errors

Every error that handcar itself finds is a \`HandcarError\` with a \`code\` of this list, a \`message\` that says what was expected and
what was got, and a \`fix\` that says what to do. Codes do not change between versions. Errors of your own SQL pass through
untouched: they are \`SqliteError\`s with codes such as \`SQLITE_CONSTRAINT_UNIQUE\`.

This page is generated from \`src/core/error-catalog.ts\` by \`node scripts/errors-reference.ts\`.
`

if (import.meta.main) writeFileSync(errorsReferencePath, errorsReference())
