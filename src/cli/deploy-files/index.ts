import { docker } from './docker.ts'
import { fly } from './fly.ts'
import { kamal } from './kamal.ts'
import { systemd } from './systemd.ts'
import type { Target } from './target.ts'

/** The ways to run an app that `handcar deploy:files` knows. */
export const targets: Readonly<Record<string, Target>> = { systemd, docker, fly, kamal }
