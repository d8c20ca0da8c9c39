export { FakeClock } from './fake-clock.ts'
export { temporaryDatabase } from './temporary-database.ts'
