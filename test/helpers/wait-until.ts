import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until a condition holds; fails with its name when that takes longer than `timeout` milliseconds. */
export async function waitUntil(name: string, condition: () => unknown, timeout = 10_000): Promise<void> {
  const endAt = performance.now() + timeout
  while (!(await condition())) {
    if (performance.now() > endAt) throw new Error(`Waited ${timeout} ms in vain: ${name}`)
    await sleep(2)
  }
}
