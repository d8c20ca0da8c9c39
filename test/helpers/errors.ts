import assert from 'node:assert/strict'

/** The error that a call throws or rejects with; fails when there is none. */
export async function errorOf(
  work: () => unknown,
): Promise<Error & { code?: string; fix?: string; details?: Record<string, unknown> }> {
  try {
    await work()
  } catch (error) {
    assert.ok(error instanceof Error, `expected an Error, got ${String(error)}`)
    return error
  }
  return assert.fail('expected an error, got none')
}

/** The codes of the errors of some calls, for tables of wrong input. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  return (await errorOf(work)).code
}
