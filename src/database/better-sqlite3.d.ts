/** The published types lag behind the driver; `driver.ts` declares the part of it that handcar uses. */
declare module 'better-sqlite3' {
  const Driver: unknown
  export default Driver
}
