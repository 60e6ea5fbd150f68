/** The lines of original 001's client, letter for letter. Pure. */
import type { ClientRunResult } from './client-run.js'
import type { Mismatch } from './drive.js'

/** What a run says when all is well: its time and its throughput, as C prints `%f`. */
export function figureLines({ requests, milliseconds }: ClientRunResult): string[] {
  const perMillisecond = milliseconds > 0 ? requests / milliseconds : 0
  return [`Total time: ${milliseconds.toFixed(6)} ms`, `Throughput: ${perMillisecond.toFixed(6)} K/s`]
}

export function mismatchLine({ key, expected, got }: Mismatch): string {
  return `Get(${key}) should return ${expected}, but got ${got}`
}

/** The first wrong answers, a line each, and how many more there are. */
export function mismatchLines({ mismatches, wrong }: ClientRunResult): string[] {
  const more = wrong - mismatches.length
  return [...mismatches.map(mismatchLine), ...(more > 0 ? [`... and ${more} more`] : [])]
}

/** A line a thread, for -v. */
export function threadLines({ threads }: ClientRunResult): string[] {
  return threads.map(
    ({ puts, gets, wrong, milliseconds }, thread) =>
      `thread ${thread}: ${puts} puts, ${gets} gets, ${wrong} wrong, ${milliseconds.toFixed(3)} ms`,
  )
}
