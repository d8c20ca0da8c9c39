export { HandcarError, errorCatalog, type ErrorCode } from './core/index.ts'
