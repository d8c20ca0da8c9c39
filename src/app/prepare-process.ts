import { enableCompileCache } from 'node:module'

/** Prepares a release for a supervisor whose own code is older; see `release.ts`. */
enableCompileCache()
void import('./prepare-for-supervisor.ts').then(({ prepareForSupervisor }) => prepareForSupervisor())
