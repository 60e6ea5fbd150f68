/** What the benchmark of lanes and its workers have in common. */
import type { LaneFileHandle } from '../channel/lane-file.js'
import type { SharedHandle } from '../channel/mapped-file.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'

/** What is asked: the size of what came, the second of two words, or the value again. */
export const BENCH_CODES = { WRITE: 1, PAIR: 2, ECHO: 3 } as const

export interface LaneBenchData {
  readonly number: number
  readonly keepsLanes: boolean
  readonly ledger: SharedArrayHandle
  readonly bell: SharedHandle
  readonly files: readonly LaneFileHandle[]
}
