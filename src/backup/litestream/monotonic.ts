/** A time of the system's clock as one of `performance.now()`; now, when it has not come yet: the clock may have been set. */
export function monotonic(time: number): number {
  return performance.now() - Math.max(0, Date.now() - time)
}
