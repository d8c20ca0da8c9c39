import { enableCompileCache } from 'node:module'

/** A process that serves requests. A supervisor starts it in the app's folder; see `boot-web.ts`. */
enableCompileCache()
void import('./boot-web.ts').then(({ bootWeb }) => bootWeb())
