/**
 * Which unsynced changes survive a simulated loss of power: plans for `SimulatedDisk.crash`.
 */
import type { SeededRandom } from '../base/random.js'

/** What becomes of one unsynced change. `tear` is `keep` for a change of a name. */
export type Fate = 'keep' | 'drop' | 'tear'

export interface CrashPlan {
  fate(): Fate
  /** Whether a sector of a torn write is kept. */
  keepsSector(): boolean
  /** A whole number below `limit`: shuffles the order in which kept changes arrive; 0 keeps it. */
  next(limit: number): number
}

/** Nothing unsynced survives. */
export const DROP_ALL: CrashPlan = { fate: () => 'drop', keepsSector: () => false, next: () => 0 }

/** Everything survives. */
export const KEEP_ALL: CrashPlan = { fate: () => 'keep', keepsSector: () => true, next: () => 0 }

/** Change i survives if bit i of `mask` is set, in order, whole: all masks are all subsets. */
export function subsetPlan(mask: number): CrashPlan {
  let index = 0
  return {
    fate: () => ((mask >>> index++) & 1 ? 'keep' : 'drop'),
    keepsSector: () => true,
    next: () => 0,
  }
}

/** Keeps, drops, tears and reorders by chance. */
export function randomPlan(random: SeededRandom): CrashPlan {
  return {
    fate: () => (['keep', 'drop', 'tear'] as const)[random.nextInt(3)] ?? 'tear',
    keepsSector: () => random.nextInt(2) === 0,
    next: (limit) => random.nextInt(limit),
  }
}
