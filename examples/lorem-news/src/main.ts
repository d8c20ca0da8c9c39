/** Starts Lorem News. JSX must be understood before the first file that contains it is imported. */
import './jsx.ts'

const { start } = await import('./start.ts')
await start()
