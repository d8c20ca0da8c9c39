/** How many characters are kept of what somebody has thrown, and of a reason that somebody gives. */
const longestText = 8_192

/** Describes what was thrown, which may be anything, as texts that can be stored. Never throws. */
export function describeError(error: unknown): { message: string; stack: string | null } {
  try {
    if (!(error instanceof Error)) return { message: textOf(error), stack: null }
    // They may be anything too, such as the call sites of some `Error.prepareStackTrace`.
    const { name, message, stack } = error
    const text = typeof message === 'string' ? message : textOf(message)
    return {
      message: `${name}: ${text}`.slice(0, longestText),
      stack: typeof stack === 'string' ? stack.slice(0, longestText) : null,
    }
  } catch {
    return { message: 'something that cannot be shown', stack: null }
  }
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.slice(0, longestText)
}
