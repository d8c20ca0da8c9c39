/** Where handcar's own code lies. */
const source = new URL('..', import.meta.url).href

/** Leaves out of a stack what is Node's and handcar's own, so that the lines of the app can be seen. */
export function trimStack(stack: string): string {
  const isOurs = (line: string): boolean =>
    /^\s+at /.test(line) && (line.includes('node:internal') || line.includes(source))
  return stack
    .split('\n')
    .filter((line) => !isOurs(line))
    .join('\n')
}
