import { readFileSync } from 'node:fs'

/** Version of handcar, such as `1.4.0`. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
