import type { Verdict } from './verification.ts'

/** Ends a verification that has not found the backup right. */
export class Doubt extends Error {
  readonly verdict: Exclude<Verdict, 'verified'>

  constructor(verdict: Exclude<Verdict, 'verified'>, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.verdict = verdict
  }
}

/**
 * What Litestream says when it does not get at a replica, as opposed to what is wrong in it. There are as many ways to say it as there are
 * servers.
 */
const unreachable =
  /refused|time(?:d )?-?out|deadline exceeded|no such host|unreachable|connection (?:reset|closed)|broken pipe|handshake|denied|forbidden|unauthorized|authenticat|permission|AccessKey|Signature|TimeTooSkewed|NoSuchBucket|SlowDown|ServiceUnavailable|InternalError|Too ?Many|certificate|x509|\b(?:401|403|429|50[0234])\b/i

/** Whether a restore has failed because the replica could not be reached. */
export function isUnreachable(error: unknown): boolean {
  return unreachable.test((error as Error).message)
}
