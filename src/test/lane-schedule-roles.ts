/** What the participants of a schedule over lanes do, and what they are given. */
import type { MessagePort } from 'node:worker_threads'
import type { LaneFileHandle } from '../channel/lane-file.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import type { Request } from './lane-world.js'

/** What a participant does. */
export type LaneRole =
  | {
      readonly role: 'client'
      readonly requests: readonly Request[]
      /** Sends all before it waits for the first. */
      readonly atOnce?: boolean
    }
  | { readonly role: 'worker'; readonly number: number; readonly keepsLanes?: boolean }

export interface LaneScheduleData {
  readonly tree: string
  readonly baton: SharedArrayBuffer
  readonly me: number
  readonly port: MessagePort
  readonly role: LaneRole
  /** How many there are. */
  readonly workers: number
  readonly clients: number
  readonly file: LaneFileHandle
  readonly bell: SharedArrayHandle
  readonly ledger: SharedArrayHandle
  /** Words, see LANE_BOARD. */
  readonly board: SharedArrayBuffer
}

/** How many clients have ended; how many requests were carried out; their numbers. */
export const LANE_BOARD = { ended: 0, executed: 1, numbers: 2 } as const
