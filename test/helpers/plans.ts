import assert from 'node:assert/strict'
import type { Database } from '../../src/database/index.ts'

/**
 * Looks at how SQLite runs statements: which index each look goes through. It tells with the tables empty, and with any values.
 *
 * @param statements SQL by name, as a module of statements exports it.
 * @param plans What the plan of a statement must contain, by name.
 * @param forbidden What no plan may contain, such as a scan of a large table.
 */
export async function assertPlans(
  database: Database,
  statements: object,
  plans: Readonly<Partial<Record<string, readonly string[]>>>,
  forbidden: readonly RegExp[],
): Promise<void> {
  const texts = statements as Readonly<Record<string, string>>
  for (const [name, expected] of Object.entries(plans)) {
    // Parameters want values; text that is a JSON list too does for all.
    const explain = `explain query plan ${texts[name]!.replace(/\?|:[a-z_]+/g, "'[]'")}`
    const rows = await database.write((tx) => tx.all<{ detail: string }>(explain))
    const plan = rows.map(({ detail }) => detail).join('\n')
    for (const part of expected!) assert.ok(plan.includes(part), `${name}: expected ${part}, got\n${plan}`)
    for (const pattern of forbidden) assert.doesNotMatch(plan, pattern, `${name}\n${plan}`)
  }
}
