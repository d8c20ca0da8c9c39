import { enableCompileCache } from 'node:module'

/** The process of `handcar dev` that runs the app; another one takes its place when a file has changed. */
enableCompileCache()
void import('./dev/run-app.ts').then(({ waitForOrders }) => waitForOrders())
