/** What the benchmark of the channel can measure, how much of it, and what one run gives. */

export const CHANNEL_SECTIONS = {
  calls: 'one set after the other, keys of 16 B, values of 100 B',
  pipelined: '64 sets in flight, keys of 16 B, values of 100 B',
  requests: "PUTs and GETs of uint32 through original 001's client, warmed up",
  idle: 'a server with four lane workers and a client that asks for nothing, at rest',
} as const
export type ChannelSection = keyof typeof CHANNEL_SECTIONS
export const CHANNEL_SECTION_NAMES = Object.keys(CHANNEL_SECTIONS) as readonly ChannelSection[]

export interface ChannelScale {
  readonly rounds: number
  readonly calls: number
  readonly requests: number
  readonly idleMs: number
}

/** What one run of a part gave: its main number, and others by name. */
export interface Sample {
  /** Nanoseconds of a call; million requests a second; percent of a core. As the section has it. */
  readonly value: number
  /** Processor time of a call or request, waiting awake included: of who asks, and of Hearth's server. */
  readonly clientNs?: number
  readonly serverNs?: number
  readonly p50Ns?: number
  readonly p99Ns?: number
  readonly p999Ns?: number
}
