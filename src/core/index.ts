export { clock, elapsed, setDelay, systemClock, type Clock } from './clock.ts'
export { longestTimer, parseDuration, type Duration } from './duration.ts'
export { errorCatalog, type ErrorCode } from './error-catalog.ts'
export * from './errors.ts'
export { defineEvent, type Event } from './events.ts'
export { describeFailure, originOf, restoreFailure, type Failure } from './failure.ts'
export { Histogram, type HistogramSummary } from './histogram.ts'
export { isPromise } from './is-promise.ts'
export { writeJson } from './write-json.ts'
export { logger, standardLogger, type Logger, type LogLine } from './logger.ts'
export { bootId } from './boot-id.ts'
export { makeFolder } from './make-folder.ts'
export { nearestName } from './nearest-name.ts'
export * as option from './options.ts'
export { describe, invalidOption, readOptions, type OptionReader } from './options.ts'
export { formatSize, parseSize, type Size } from './size.ts'
export { holderOfPort, type PortHolder } from './port-holder.ts'
export { socketPath } from './socket-path.ts'
export { trimHeap } from './trim-heap.ts'
export {
  describeIssues,
  isStandardSchema,
  type InputOf,
  type OutputOf,
  type StandardSchema,
  type StandardSchemaIssue,
  type StandardSchemaResult,
} from './standard-schema.ts'
export { version } from './version.ts'
export { Service, type ServiceState, type StopOptions } from './service.ts'
