/**
 * Every limit of Hearth, in one place, with the relations between them asserted when the module loads.
 * Bytes unless the name ends in another unit.
 */
import { assert } from './assert.js'

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

/** One reference counts granules; a chunk starts on one. */
export const GRANULE_BYTES = 16
/** A cache line; a bucket is one. */
export const LINE_BYTES = 64
/** Largest segment: views over more abort on Node 20 (4 GiB), and int32 word offsets stay in 31 bits. */
export const MAX_SEGMENT_BYTES = GIB
/** Most segments of one region: 32-bit references of 16-byte granules reach 64 GiB. */
export const MAX_SEGMENTS = 64

export const MAX_KEY_BYTES = 64 * KIB
export const MAX_VALUE_BYTES = 64 * MIB

/** Smallest and largest `capacity` of a table. */
export const MIN_CAPACITY_BYTES = 64 * KIB
export const MAX_CAPACITY_BYTES = 60 * GIB
export const DEFAULT_CAPACITY_BYTES = 64 * MIB

/** Largest `ttlMs`: 100 years. Keeps every expiry an exact integer. */
export const MAX_TTL_MS = 100 * 366 * 24 * 3600 * 1000

export const DEFAULT_LOCK_TIMEOUT_MS = 1000
/** Longest single blocking wait: an unbounded one would hang `worker.terminate()`. */
export const WAIT_SLICE_MS = 50

/** Bucket lines that one sweep for expired entries looks at: about a millisecond of one thread, ten times a second. */
export const MAX_SWEEP_LINES = 4096

/** Threads that can use one region at the same time. */
export const MAX_PARTICIPANTS = 255

/** Longest codec name kept in a region. */
export const MAX_CODEC_NAME_BYTES = 60

/** Most keys of one `getMany`, `setMany`, MGET or MSET handled as one unit of work. */
export const MAX_BATCH_KEYS = 1_048_576

/** Redis protocol. */
export const MAX_RESP_ARGUMENTS = 1_048_576
export const MAX_RESP_INLINE_BYTES = 64 * KIB
export const MAX_RESP_BULK_BYTES = MAX_VALUE_BYTES
/** One command with all its arguments and announced lengths. */
export const MAX_RESP_COMMAND_BYTES = 256 * MIB
/** Replies queued for a connection that does not read them; beyond, it is dropped. */
export const MAX_RESP_UNREAD_REPLY_BYTES = 256 * MIB
/** Commands queued between MULTI and EXEC on one connection. */
export const MAX_TRANSACTION_BYTES = MAX_RESP_COMMAND_BYTES
/** Keys that one connection watches, with what it takes to remember them. */
export const MAX_WATCHED_BYTES = 96 * MIB
/** The value of one request or reply between threads and processes: any command, transaction or reply in one piece. */
export const MAX_MESSAGE_VALUE_BYTES = 384 * MIB
/** Messages queued for a subscriber that does not read them; beyond, it is dropped. */
export const MAX_SUBSCRIBER_BACKLOG_BYTES = 32 * MIB
/** Messages on their way from the threads of a node to one of them; beyond, that one's subscribers are dropped. */
export const MAX_BUS_BACKLOG_BYTES = 128 * MIB
/** Names of channels, and of patterns, that can be subscribed to on a node take that much memory. */
export const BUS_NAMES_BYTES = 16 * MIB
export const MAX_CONNECTIONS = 10_000

assert(MAX_SEGMENTS * MAX_SEGMENT_BYTES === 2 ** 32 * GRANULE_BYTES, 'references reach every granule')
assert(MAX_CAPACITY_BYTES < MAX_SEGMENTS * MAX_SEGMENT_BYTES, 'a capacity fits its segments')
assert(LINE_BYTES % GRANULE_BYTES === 0, 'a line is whole granules')
assert(MAX_RESP_COMMAND_BYTES > MAX_KEY_BYTES + MAX_RESP_BULK_BYTES, 'a command holds any entry')
assert(MAX_KEY_BYTES + MAX_VALUE_BYTES < MAX_SEGMENT_BYTES / 2, 'an entry fits a segment')
assert(
  MAX_TRANSACTION_BYTES + MAX_WATCHED_BYTES + 4 * MAX_RESP_ARGUMENTS < MAX_MESSAGE_VALUE_BYTES,
  'a message holds any command and transaction',
)
assert(MAX_RESP_UNREAD_REPLY_BYTES < MAX_MESSAGE_VALUE_BYTES, 'a message holds any reply')
