import type { RestoreRange } from './moments.ts'

/**
 * Reads the table that `litestream generations` of 0.3 prints; each line is one generation:
 *
 *     name    generation        lag     start                 end
 *     folder  85993c68c0cf0887  -199ms  2026-11-20T18:25:29Z  2026-11-20T18:25:33Z
 */
export function readGenerations(printed: string): RestoreRange[] {
  return printed.split('\n').flatMap((line) => {
    const [, generation, start, end] = row.exec(line.trim()) ?? []
    if (generation === undefined) return []
    return [{ generation, from: Date.parse(start!), to: Date.parse(end!) + 1_000 }]
  })
}

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
const row = new RegExp(String.raw`\s([0-9a-f]{16})\s+.*?(${time})\s+(${time})$`)
