/**
 * Who uses a table and what each holds, as anybody sees it who can read the region: for people, not for decisions. A
 * report of one moment; what is held may have been given back since.
 */
import { MAX_PARTICIPANTS } from '../base/limits.js'
import { CLASS, CLASS_WORDS, CLASSES_AT, HEADER, POOL } from '../memory/header.js'
import { CONTENDED } from '../memory/lock.js'
import { chunkWords, PARTICIPANT, tagIndex } from '../memory/participant.js'
import { recordAt, recordIndex, recordsInUse, tagOfRecord } from '../memory/participant-list.js'
import type { Presence } from '../memory/region.js'
import { sizeClasses } from '../memory/size-classes.js'
import { STRIPE, STRIPE_WORDS } from './layout.js'
import type { TableView } from './view.js'

export interface ParticipantReport {
  /** Number of its record. */
  readonly index: number
  /** Process id, as in its own PID namespace. */
  readonly process: number
  /** Kernel thread id, as in its own PID namespace; 0 where the system does not tell. */
  readonly thread: number
  /** Number of the worker thread; 0: the main thread. */
  readonly worker: number
  readonly isAlive: boolean
  /** Locks, chunks, lines, pages and repairs, in words. Empty: between two operations. */
  readonly holds: readonly string[]
}

export function participantReports(view: TableView, presence: Presence): ParticipantReport[] {
  const { words, shape } = view
  const locks = heldLocks(view)
  return [...recordsInUse(words, shape)].map((at) => {
    const index = recordIndex(shape, at)
    return {
      index,
      process: words[at + PARTICIPANT.process]!,
      thread: Math.max(0, words[at + PARTICIPANT.thread]!),
      worker: Math.max(0, words[at + PARTICIPANT.worker]! - 1),
      isAlive: presence.isPresent(index),
      holds: [...(locks.get(tagOfRecord(words, shape, at)) ?? []), ...inHand(view, at)],
    }
  })
}

/** Names of the locks that are held, by the tag of who holds them. */
function heldLocks(view: TableView): Map<number, string[]> {
  const held = new Map<number, string[]>()
  for (const [at, name] of lockNames(view)) {
    const word = Atomics.load(view.words, at)
    if (word === 0) continue
    const tag = word & ~CONTENDED
    const names = held.get(tag) ?? []
    names.push((word & CONTENDED) === 0 ? name : `${name} (others wait)`)
    held.set(tag, names)
  }
  return held
}

/** Every lock word with its name. */
function* lockNames({ words, shape, facts }: TableView): Generator<readonly [at: number, name: string]> {
  for (const at of recordsInUse(words, shape)) yield [at + PARTICIPANT.desk, `desk ${recordIndex(shape, at)}`]
  for (let stripe = 0; stripe < shape.stripes; stripe++)
    yield [shape.stripesAt + stripe * STRIPE_WORDS + STRIPE.lock, `stripe ${stripe}`]
  for (const [index, { chunkBytes }] of sizeClasses(facts.capacityBytes).classes.entries())
    yield [CLASSES_AT + index * CLASS_WORDS + CLASS.lock, `class of ${chunkBytes} bytes`]
  yield [HEADER.pool + POOL.lock, 'page pool']
}

/** What the record says is on its way, and whom it repairs. */
function inHand({ words, shape }: TableView, at: number): string[] {
  const holds: string[] = []
  const chunks = [...chunkWords(at)].filter((word) => words[word] !== 0).length
  if (chunks > 0) holds.push(chunks === 1 ? 'a chunk' : `${chunks} chunks`)
  if (words[at + PARTICIPANT.linesInHand] !== 0) holds.push('new bucket lines')
  if (words[at + PARTICIPANT.spareInHand] !== 0) holds.push('a spare bucket line')
  if (words[at + PARTICIPANT.windowAt] !== 0) holds.push('pages that it empties')
  const tag = tagOfRecord(words, shape, at)
  for (const other of recordsInUse(words, shape)) {
    const repairer = tagIndex(words[other + PARTICIPANT.repairer]!)
    const isIts = repairer >= 0 && repairer < MAX_PARTICIPANTS && recordAt(shape, repairer) === at
    if (isIts && words[other + PARTICIPANT.repairer] === tag)
      holds.push(`the repair of ${recordIndex(shape, other)}`)
  }
  return holds
}
