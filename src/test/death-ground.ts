/**
 * What a world of deaths stands on: the shared memory, and what the system does when a participant dies in it.
 *
 * Two kinds: the memory of one process, where the world itself says who lives; and a named region, a real file that every
 * participant maps for itself, which asks the system for its pages and where kernel locks say who lives: the dead one's
 * descriptor is closed, as the system does it, and nothing else is told to anybody.
 *
 * All participants are one thread, so nobody sleeps: a sleep only counts.
 */
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import type { KernelPresence } from '../memory/kernel-presence.js'
import type { MappedRegion } from '../memory/mapped-region.js'
import type { Native } from '../memory/native.js'
import type { Presence, Region } from '../memory/region.js'
import type { TableFacts } from '../table/space.js'
import type { InstrumentedBuild } from './death-instrument.js'
import { type Actor, Stop, storeHook } from './death-stores.js'

/** Sleeps of one actor before the test says that it waits without end; none of them takes time. */
const MOST_WAITS = 60

export interface Ground {
  /** The region as this participant has it; the same every time. */
  regionOf(actor: Actor): Region
  /** From now on the system knows who is dead and who lives. */
  settleFates(): void
  /** What there is now is where every trial starts; `reset` goes back to it, everybody alive. */
  keep(): void
  reset(): void
  /** Sleeps since the last time, none of which took time. */
  waits: number
  close(): void
}

/** Makes the memory for a table of these facts: zeroed. */
export type GroundMaker = (build: InstrumentedBuild, facts: TableFacts) => Ground

function countWait(ground: Ground): void {
  if (++ground.waits > MOST_WAITS) throw new Error('somebody waits without end')
}

class ThreadsGround implements Ground {
  waits = 0
  readonly #region: Region

  constructor(build: InstrumentedBuild, facts: TableFacts) {
    const { segments } = build.region.SharedArrayRegion.create(build.space.Space.regionBytes(facts))
    this.#region = {
      kind: 'threads',
      segments,
      wait: () => countWait(this),
      notify: () => {},
      share: () => undefined,
    }
  }

  regionOf(): Region {
    return this.#region
  }

  settleFates(): void {}
  keep(): void {}
  reset(): void {}
  close(): void {}
}

/** The kernel locks of one participant. The dead do nothing any more, whatever their `finally` tries. */
class ActorPresence implements Presence {
  readonly #build: InstrumentedBuild
  readonly #native: Native
  readonly #path: string
  readonly #actor: Actor
  #inner: KernelPresence
  #claims = new Set<number>()
  /** Undefined: it had left by then. */
  #kept: ReadonlySet<number> | undefined

  constructor(build: InstrumentedBuild, native: Native, path: string, actor: Actor) {
    this.#build = build
    this.#native = native
    this.#path = path
    this.#actor = actor
    this.#inner = this.#open()
  }

  claim(index: number): boolean {
    this.#mustLive()
    const isMine = this.#inner.claim(index)
    if (isMine) this.#claims.add(index)
    return isMine
  }

  release(index: number): void {
    this.#mustLive()
    this.#inner.release(index)
    this.#claims.delete(index)
  }

  isPresent(index: number): boolean {
    this.#mustLive()
    return this.#inner.isPresent(index)
  }

  close(): void {
    this.#mustLive()
    this.end()
  }

  /** What the system does at a death, and what a participant does when it leaves. */
  end(): void {
    this.#inner.close()
    this.#claims.clear()
  }

  keep(): void {
    this.#kept = this.#inner.descriptor < 0 ? undefined : new Set(this.#claims)
  }

  reset(): void {
    const kept = this.#kept
    if (kept === undefined) return
    const isOpen = this.#inner.descriptor >= 0
    if (isOpen && this.#claims.size === kept.size && [...kept].every((index) => this.#claims.has(index)))
      return
    this.end()
    this.#inner = this.#open()
    for (const index of kept) {
      if (!this.#inner.claim(index)) throw new Error('the lock of somebody who died is still held')
      this.#claims.add(index)
    }
  }

  #mustLive(): void {
    if (this.#actor.dead) throw new Stop(this.#actor.name)
  }

  #open(): KernelPresence {
    return new this.#build.presence.KernelPresence(this.#native, openSync(this.#path, constants.O_RDWR))
  }
}

let namesUsed = 0

class MappedGround implements Ground {
  waits = 0
  readonly #build: InstrumentedBuild
  readonly #native: Native
  readonly #name: ReturnType<InstrumentedBuild['regionName']['regionName']>
  readonly #created: MappedRegion
  readonly #regions = new Map<Actor, { readonly region: Region; readonly presence: ActorPresence }>()
  readonly #opened: MappedRegion[] = []
  /** Times that the system gives memory in one trial, before it has none left. */
  readonly #commits: number
  #commitsLeft = Number.POSITIVE_INFINITY

  constructor(build: InstrumentedBuild, facts: TableFacts, commits: number) {
    this.#build = build
    this.#commits = commits
    this.#native = build.native.Native.load()
    this.#name = build.regionName.regionName(`death ${process.pid} ${namesUsed++}`)
    const shape = build.geometry.geometry(facts.capacityBytes, 2 ** facts.stripeBits)
    this.#created = build.mapped.MappedRegion.createLocked(this.#native, this.#name, shape, 0o600, () => {})
    for (const { words } of this.#created.segments) storeHook.noteShared(words.buffer)
  }

  regionOf(actor: Actor): Region {
    const known = this.#regions.get(actor)
    if (known !== undefined) return known.region
    const mapped = this.#map()
    const presence = new ActorPresence(this.#build, this.#native, this.#name.path, actor)
    const region: Region = {
      kind: 'mapped',
      segments: mapped.segments,
      presence,
      wait: () => countWait(this),
      notify: () => {},
      share: () => undefined,
      commit: (segment, firstByte, bytes) => {
        if (actor.dead) throw new Stop(actor.name)
        return this.#commitsLeft-- > 0 && mapped.commit(segment, firstByte, bytes)
      },
    }
    this.#regions.set(actor, { region, presence })
    return region
  }

  /** The first participant is the creator, who lays the table out: until then there is nothing to open. */
  #map(): MappedRegion {
    if (this.#regions.size === 0) return this.#created
    const mapped = this.#build.mapped.MappedRegion.open(this.#native, this.#name, 0o600)
    if (mapped === undefined) throw new Error('the region of this world is gone')
    for (const { words } of mapped.segments) storeHook.noteShared(words.buffer)
    this.#opened.push(mapped)
    return mapped
  }

  settleFates(): void {
    for (const [actor, { presence }] of this.#regions) if (actor.dead) presence.end()
  }

  keep(): void {
    for (const { presence } of this.#regions.values()) presence.keep()
  }

  reset(): void {
    for (const { presence } of this.#regions.values()) presence.reset()
    this.#commitsLeft = this.#commits
  }

  close(): void {
    for (const { presence } of this.#regions.values()) presence.end()
    for (const { presence } of [this.#created, ...this.#opened])
      if (presence.descriptor >= 0) closeSync(presence.descriptor)
    rmSync(this.#name.path, { force: true })
  }
}

/** Memory of one process. */
export const threadsGround: GroundMaker = (build, facts) => new ThreadsGround(build, facts)

/** A named region; in each trial the system gives it memory so many times. */
export function mappedGround(commits = Number.POSITIVE_INFINITY): GroundMaker {
  return (build, facts) => new MappedGround(build, facts, commits)
}
