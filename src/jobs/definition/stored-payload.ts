import { describeIssues, type StandardSchemaResult } from '../../core/index.ts'
import { describeError } from '../describe-error.ts'
import type { AnyJobDefinition } from './define-job.ts'
import type { ClaimedRow } from '../perform/running-job.ts'

/** A job cannot be performed by this code: it waits for code that can. */
export class ParkedError extends Error {
  /** 2: its name or version is not known here; 3: its payload cannot be read. */
  readonly kind: 2 | 3
  /** Why. */
  readonly problem: string

  constructor(kind: 2 | 3, problem: string) {
    super(`parked: ${problem}`)
    this.kind = kind
    this.problem = problem
  }
}

/**
 * Reads the payload of a stored job as its definition wants it: brought up to the present version, and checked.
 *
 * @throws ParkedError when it cannot be
 */
export function readPayload(row: ClaimedRow, definition: AnyJobDefinition): unknown {
  const { schema } = definition
  const payload = upcastPayload(row, definition)
  if (schema === undefined) return payload
  const checked = schema['~standard'].validate(payload)
  return checked instanceof Promise ? checked.then(valueOf) : valueOf(checked)
}

/**
 * Reads the payload of a stored job, brought up to the present version, and not checked.
 *
 * @throws ParkedError when it cannot be
 */
export function upcastPayload(
  row: Pick<ClaimedRow, 'payload' | 'version'>,
  { version, upcast }: AnyJobDefinition,
): unknown {
  const payload = parse(row.payload)
  if (row.version !== version) {
    const versions = `its payload has version ${row.version}, this process knows version ${version}`
    if (row.version > version) throw new ParkedError(2, versions)
    if (upcast === undefined) throw new ParkedError(3, `${versions} and no upcast`)
    try {
      return upcast(payload, row.version)
    } catch (error) {
      throw new ParkedError(
        3,
        `its payload of version ${row.version} could not be upcast: ${describeError(error).message}`,
      )
    }
  }
  return payload
}

function valueOf(result: StandardSchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new ParkedError(3, `its payload does not fit its schema: ${describeIssues(result.issues)}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ParkedError(3, `its payload is not JSON: ${describeError(error).message}`)
  }
}
