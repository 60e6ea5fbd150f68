/**
 * A small table in shared memory with three participants, A (who dies), B (who goes on) and C (who comes last), all
 * played by one thread over the instrumented build, and a plain model of what the table must hold.
 *
 * The memory is laid out once; every trial attaches the participants anew, runs, and is rolled back store by store. The
 * hash key is fixed, so that a scenario can pick keys by their bucket and a number of stores means the same in every run.
 */
import { strict as assert } from 'node:assert'
import { PARTICIPANT_WORDS } from '../memory/geometry.js'
import { EVICTION, HEADER } from '../memory/header.js'
import { lockTag, MAX_DETACHED, PARTICIPANT } from '../memory/participant.js'
import type { TableFacts } from '../table/space.js'
import type { Table } from '../table/table.js'
import { type Ground, type GroundMaker, threadsGround } from './death-ground.js'
import type { InstrumentedBuild } from './death-instrument.js'
import { type Actor, storeHook } from './death-stores.js'

export const ABSENT = 'absent'
/** A moment that no trial reaches, and one that all have passed. */
export const LATER_MS = 8_000_000
export const NOW_MS = 1_000_000
export const NEVER_MS = Number.POSITIVE_INFINITY

/** Records that a trial can come to use. */
const MOST_PARTICIPANTS = 8
const LOCK_TIMEOUT_MS = 20_000

export interface WorldShape {
  readonly capacityBytes?: number
  readonly stripeBits?: number
  readonly maxEntries?: number
  readonly eviction?: number
}

export class World {
  readonly ground: Ground
  nowMs = NOW_MS
  readonly #build: InstrumentedBuild
  /** Any entry may be gone at any time. */
  readonly #evicts: boolean
  readonly #names: string[] = []
  readonly #actors = new Map<string, Actor>()
  readonly #tables = new Map<Actor, Table>()
  /** The states that each entry may be found in: `value|expiry`, or ABSENT. */
  #entries = new Map<string, readonly string[]>()
  #prepared = new Map<string, readonly string[]>()

  constructor(build: InstrumentedBuild, shape: WorldShape, makeGround: GroundMaker = threadsGround) {
    this.#build = build
    this.#evicts = shape.eviction === EVICTION.CLOCK
    const facts: TableFacts = {
      capacityBytes: shape.capacityBytes ?? 256 * 1024,
      stripeBits: shape.stripeBits ?? 0,
      eviction: shape.eviction ?? 1,
      maxEntries: shape.maxEntries ?? 0,
      defaultTtlMs: 0,
      keyCodec: 'string',
      valueCodec: 'string',
    }
    this.ground = makeGround(build, facts)
    const creator = this.actor('creator')
    const region = this.ground.regionOf(creator)
    build.table.Table.create(region, facts, this.#options('creator')).close()
    const words = region.segments[0]!.words
    words[HEADER.hashKey0] = 0x1234567
    words[HEADER.hashKey1] = 0x7654321
  }

  /** What has been stored so far is where every trial starts. */
  keep(): void {
    storeHook.keep()
    this.ground.keep()
    this.#prepared = new Map(this.#entries)
  }

  /** Back to what was kept, everybody alive. */
  reset(): void {
    storeHook.rollBack()
    this.#entries = new Map(this.#prepared)
    this.nowMs = NOW_MS
    this.ground.waits = 0
    for (const actor of this.#actors.values()) revive(actor)
    this.ground.reset()
  }

  actor(name: string): Actor {
    const known = this.#actors.get(name)
    if (known !== undefined) return known
    const actor = { name, left: Number.POSITIVE_INFINITY, stores: 0, dead: false }
    this.#actors.set(name, actor)
    return actor
  }

  /** The table as `actor` uses it; attached at the first call. */
  tableOf(actor: Actor): Table {
    const table = this.#tables.get(actor) ?? this.attach(actor)
    this.#tables.set(actor, table)
    return table
  }

  /** Once more, as a thread that opens the same table twice. */
  attach(actor: Actor): Table {
    return this.#build.table.Table.attach(this.ground.regionOf(actor), this.#options(actor.name))
  }

  #options(name: string) {
    if (!this.#names.includes(name)) this.#names.push(name)
    return {
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      clock: () => this.nowMs,
      thread: { thread: this.#names.indexOf(name) + 1, startTime: 1 },
      isAlive: ({ thread }: { thread: number }) =>
        this.#actors.get(this.#names[thread - 1] ?? '')?.dead !== true,
    }
  }

  keys(): string[] {
    return [...this.#entries.keys()]
  }

  /** Does what leaves `key` in `state`; wherever it is stopped, the entry is what it was or that. */
  change(key: string, state: string, act: () => void): void {
    this.#entries.set(key, [...(this.#entries.get(key) ?? [ABSENT]), state])
    act()
    this.#entries.set(key, [state])
  }

  put(table: Table, key: string, value: string, expiresAtMs = NEVER_MS): void {
    this.change(key, stateOf(value, expiresAtMs), () => {
      table.key.setText(key)
      table.value.setText(value)
      table.put(expiresAtMs, 0)
    })
  }

  remove(table: Table, key: string): void {
    this.change(key, ABSENT, () => {
      table.key.setText(key)
      table.delete()
    })
  }

  /** Compares every entry with the model. One that may be in several states is in the one found from now on. */
  compare(table: Table): void {
    for (const [key, states] of this.#entries) {
      const state = this.#look(table, key)
      if (!states.includes(state) && !(this.#evicts && state === ABSENT)) {
        assert.fail(
          `${key} is ${state.slice(0, 40)}, not ${states.map((text) => text.slice(0, 40)).join(' or ')}`,
        )
      }
      this.#entries.set(key, [state])
    }
  }

  #look(table: Table, key: string): string {
    table.key.setText(key)
    if (!table.find(1)) return ABSENT
    const { reader } = table
    return stateOf(reader.text ?? reader.bytes.toString('latin1'), reader.expiresAtMs)
  }

  /** Every lock word, every word in hand of everybody who left or died: all must be free. `table` only finds them. */
  assertNothingHeld(table: Table): void {
    const { words, shape } = table.space
    for (let index = 0; index < shape.stripes; index++) {
      assert.equal(words[shape.stripesAt + index * 16], 0, 'a stripe stays locked')
    }
    const inUse = new Set(table.space.registry.records())
    const tags = new Set(
      [...inUse].map((at) =>
        lockTag(
          (at - shape.participantsAt) / PARTICIPANT_WORDS,
          words[at + PARTICIPANT.generation] as number,
        ),
      ),
    )
    for (let index = 0; index < MOST_PARTICIPANTS; index++) {
      const at = shape.participantsAt + index * PARTICIPANT_WORDS
      assert.equal(words[at], 0, 'a desk stays locked')
      assert.ok(
        !tags.has(words[at + PARTICIPANT.repairer] as number),
        'a record stays claimed by who repairs it',
      )
      if (inUse.has(at)) continue
      for (const word of namesAt(at)) assert.equal(words[word], 0, 'a free record names memory')
    }
  }
}

export function stateOf(value: string, expiresAtMs = NEVER_MS): string {
  return `${value}|${expiresAtMs}`
}

function revive(actor: Actor): void {
  actor.left = Number.POSITIVE_INFINITY
  actor.stores = 0
  actor.dead = false
}

function* namesAt(at: number): Generator<number> {
  yield at + PARTICIPANT.chunkInHand
  yield at + PARTICIPANT.moving
  yield at + PARTICIPANT.linesInHand
  yield at + PARTICIPANT.spareInHand
  yield at + PARTICIPANT.windowAt
  for (let i = 0; i < MAX_DETACHED; i++) yield at + PARTICIPANT.detached + i
}
