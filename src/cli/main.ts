#!/usr/bin/env node
import module from 'node:module'

/**
 * The command `handcar`. This file has to run on any Node, however old, to say that it is too old; so it imports only
 * what each of them has, and the rest after the check.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `handcar needs Node 24.12 or newer, and this is Node ${process.versions.node} (${process.execPath}).\n`,
  )
  process.exit(1)
}

module.enableCompileCache()
// Not awaited at the top: Node would report a command that ends by itself as one that never settled.
void import('./command-line.ts').then(({ runCommandLine }) => runCommandLine(process.argv.slice(2)))
