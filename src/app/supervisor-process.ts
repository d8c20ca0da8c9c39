import { enableCompileCache } from 'node:module'

/** A supervisor that takes over from another one; see `succeed.ts`. */
enableCompileCache()
void import('./succeed.ts').then(({ succeed }) => succeed())
