/**
 * Time. Wall clock only for expiry, monotonic clock for every timeout. Both are parameters where a test needs to
 * drive them; these are the real ones.
 *
 * `performance` is imported: the global of that name is made at its first use, and where that use is cut off (the timeout of a
 * vm, a full stack) it stays undefined for good.
 */
import { performance } from 'node:perf_hooks'

/** Milliseconds since 1970, whole; may step either way. */
export type Clock = () => number

export const wallClockMs: Clock = Date.now

/** Milliseconds since an arbitrary start, never going back. */
export function monotonicMs(): number {
  return performance.now()
}

/** Milliseconds since an arbitrary start, never going back, the same in every thread and process of the machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
