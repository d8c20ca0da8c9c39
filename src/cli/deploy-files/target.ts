/** What the files are made from. */
export interface DeployedApp {
  /** A name that users, services, images and hosts may all have: small letters, digits and hyphens. */
  name: string
  /** The address on which the app listens where nothing is between it and its proxy. */
  host: string
  port: number
  /** Path of a unix socket in the place of host and port. */
  socket: string | undefined
  healthPath: string
  /** How long the app may take to stop, in seconds. */
  stopSeconds: number
  /** Whether `npm run build` has to run before the app can start. */
  hasBuild: boolean
  /** Whether X-Forwarded-* headers of private networks are believed. */
  trustsPrivateNetworks: boolean
}

/** One file to write. */
export interface DeployFile {
  /** From the app's folder. */
  path: string
  content: string
  /** Whether it runs. Default: false */
  executable?: boolean
  /** Whether it belongs to several targets: one that is there already stays as it is. Default: false */
  shared?: boolean
}

/** One way to run an app. */
export interface Target {
  files(app: DeployedApp): DeployFile[]
  /** What is left to do, one line for each step. */
  nextSteps(app: DeployedApp): string[]
}

/** Longer than the app itself takes, so that its own report of what was cut is still heard. */
export const patienceOf = ({ stopSeconds }: DeployedApp): number => stopSeconds + 15

/** A proxy in another container or machine is no loopback address. */
export function proxyStep({ trustsPrivateNetworks }: DeployedApp): string[] {
  if (trustsPrivateNetworks) return []
  return [
    "In handcar.config.ts: server: { trustedProxies: ['loopback', 'private'] }, so that the proxy's X-Forwarded-* headers count.",
  ]
}
