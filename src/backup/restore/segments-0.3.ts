/**
 * Reads the table that `litestream wal` of 0.3 prints, and gives the second in which the newest part of a generation's WAL was written, in
 * milliseconds since 1970; `undefined` when it has none:
 *
 *     replica  generation        index  offset   size   created
 *     sftp     ecbbca41f0c19819  1      5137672  16028  2026-11-20T22:19:34Z
 */
export function newestSegment(printed: string, generation: string): number | undefined {
  const times = printed
    .split('\n')
    .filter((line) => line.includes(` ${generation} `))
    .map((line) => Date.parse(line.trim().split(/\s+/).at(-1)!))
    .filter((time) => !Number.isNaN(time))
  return times.length === 0 ? undefined : Math.max(...times)
}
