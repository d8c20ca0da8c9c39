import { enableCompileCache } from 'node:module'

/** A process that performs jobs. A supervisor starts it in the app's folder. */
enableCompileCache()
void import('./boot.ts').then(({ boot }) => boot('jobs', async () => ({ drain: async () => ({}) })))
