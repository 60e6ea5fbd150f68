/** The participants of a region as anybody sees them who can read it: which records are in use, and by whom. */
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { type Geometry, PARTICIPANT_WORDS } from './geometry.js'
import { CONTENDED } from './lock.js'
import { lockTag, PARTICIPANT, tagIndex } from './participant.js'
import type { Presence } from './region.js'

/** Word indices of all records in use. */
export function* recordsInUse(words: Int32Array, shape: Geometry): Generator<number> {
  for (let index = 0; index < MAX_PARTICIPANTS; index++) {
    const at = recordAt(shape, index)
    if (words[at + PARTICIPANT.thread] !== 0) yield at
  }
}

export function recordAt(shape: Geometry, index: number): number {
  return shape.participantsAt + index * PARTICIPANT_WORDS
}

/** Number of the record at `at`. */
export function recordIndex(shape: Geometry, at: number): number {
  return (at - shape.participantsAt) / PARTICIPANT_WORDS
}

/** Lock tag of the present user of the record at `at`. */
export function tagOfRecord(words: Int32Array, shape: Geometry, at: number): number {
  return lockTag(recordIndex(shape, at), words[at + PARTICIPANT.generation]!)
}

/** Process and thread of the user of the record at `at`. */
export function describeUser(words: Int32Array, at: number): string {
  const worker = words[at + PARTICIPANT.worker]! - 1
  const thread = words[at + PARTICIPANT.thread]!
  const name = worker === 0 ? 'main thread' : `worker ${worker}`
  return `process ${words[at + PARTICIPANT.process]}, ${name}${thread > 0 ? ` (thread ${thread})` : ''}`
}

/** Who holds a lock whose word is `held`, and whether it lives; undefined if nobody does any more. */
export function describeOwner(
  words: Int32Array,
  shape: Geometry,
  held: number,
  presence: Pick<Presence, 'isPresent'>,
): string | undefined {
  const tag = held & ~CONTENDED
  const index = tagIndex(tag)
  if (index < 0 || index >= MAX_PARTICIPANTS) return undefined
  const at = recordAt(shape, index)
  if (words[at + PARTICIPANT.thread] === 0 || tagOfRecord(words, shape, at) !== tag) return undefined
  const life = presence.isPresent(index)
    ? 'which is alive but has not gone on'
    : 'which has died: whoever next writes to the table repairs what it left'
  return `${describeUser(words, at)}, ${life}`
}
