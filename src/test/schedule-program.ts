/**
 * What the participants of a schedule do: short programs of map operations, and how each is written down for the
 * checker of histories. Values are numbers, in an int32 map as they are, else as text whose length, class of memory
 * and encoding depend on the number, so that a torn or foreign value does not decode to itself.
 *
 * Time stands still while a schedule runs.
 */
import { isOperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import type { SharedMap } from '../map/shared-map.js'
import { computedNext, type Operation, type OperationName, type Register } from './linearizability.js'
import type { ScheduledReader } from './schedule-reader.js'
import type { Together } from './schedule-together.js'

export type Action =
  | OperationName
  | 'walk'
  | 'many'
  | 'expire'
  | 'persist'
  | 'entry'
  | 'put all'
  | 'delete all'
  | 'add to all'
  | 'read all'
  | 'read in turn'
  | 'glance'
  | 'glance over all'

export interface Step {
  readonly action: Action
  /** Number of the key among the scenario's. */
  readonly key: number
  readonly argument: number
  readonly expected?: number
}

/** An operation and the key it was on. */
export interface Recorded extends Operation {
  readonly key: number
}

export type ScheduledMap = SharedMap<string, unknown>

export interface Form {
  readonly codec: Codec<never>
  write(value: number): unknown
  read(stored: unknown): number
}

export const SETUP_CLOCK_MS = 1_000_000
export const RUN_CLOCK_MS = SETUP_CLOCK_MS + 5000
/** A ttl of the setup that has passed when the schedule runs, and one that has not. */
export const SHORT_TTL_MS = 1000
export const LONG_TTL_MS = 60_000
const REMAINING_MS = [Number.POSITIVE_INFINITY, LONG_TTL_MS, LONG_TTL_MS - (RUN_CLOCK_MS - SETUP_CLOCK_MS)]

const PADS = ['', 'x'.repeat(40), 'é'.repeat(30), 'y'.repeat(400)]

/** Numbers of one remainder by 4 have texts of one size class. */
function textOf(value: number): string {
  return `${value}|${PADS[value % PADS.length]}`
}

const TEXTS: Form = {
  codec: codecs.string as unknown as Codec<never>,
  write: textOf,
  read(stored) {
    const value = Number.parseInt(String(stored), 10)
    if (textOf(value) !== stored) throw new Error(`torn value: ${JSON.stringify(stored)}`)
    return value
  },
}

const NUMBERS: Form = {
  codec: codecs.int32 as unknown as Codec<never>,
  write: (value) => value,
  read: (stored) => stored as number,
}

export type ValueForm = 'texts' | 'numbers'

export function formOf(values: ValueForm): Form {
  return values === 'texts' ? TEXTS : NUMBERS
}

/** One participant's map, and its notes. */
export class Performer {
  readonly #map: ScheduledMap
  readonly #form: Form
  readonly #keys: readonly string[]
  readonly #tick: () => number
  readonly #thread: number
  readonly #together: Together | undefined
  readonly #reader: ScheduledReader | undefined
  notes: Recorded[] = []

  constructor(
    map: ScheduledMap,
    values: ValueForm,
    keys: readonly string[],
    thread: number,
    tick: () => number,
    together?: Together,
    reader?: ScheduledReader,
  ) {
    this.#together = together
    this.#reader = reader
    this.#map = map
    this.#form = formOf(values)
    this.#keys = keys
    this.#thread = thread
    this.#tick = tick
  }

  perform(step: Step): void {
    const invokedAt = this.#tick()
    const note = (name: OperationName, key: number, result: Register | boolean): void => {
      const { argument, expected } = step
      this.notes.push({
        name,
        key,
        thread: this.#thread,
        argument,
        expected,
        result,
        invokedAt,
        respondedAt: this.#tick(),
      })
    }
    try {
      this.#run(step, note)
    } catch (error) {
      if (!isFull(error)) throw error
    }
  }

  #run(step: Step, note: (name: OperationName, key: number, result: Register | boolean) => void): void {
    const { action, key } = step
    if (action === 'walk') {
      const seen = this.#walk()
      for (const at of this.#keys.keys()) note('get', at, seen.get(at))
    } else if (action === 'many') {
      const found = this.#map.getMany(this.#keys)
      for (const at of this.#keys.keys()) note('get', at, this.#read(found[at]))
    } else if (action === 'clear') {
      this.#map.clear()
      for (const at of this.#keys.keys()) note('clear', at, undefined)
    } else if (action === 'expire') {
      note('has', key, this.#map.expire(this.#name(key), LONG_TTL_MS))
    } else if (action === 'persist') {
      if (this.#map.persist(this.#name(key))) note('has', key, true)
    } else if (action === 'entry') {
      note('get', key, this.#entry(key))
    } else if (this.#reader !== undefined && this.#glance(this.#reader, step, note)) return
    else if (this.#together !== undefined && this.#runTogether(this.#together, step, note)) return
    else note(action as OperationName, key, this.#operate(step, action as OperationName))
  }

  /** Reads through the read-only table; false for any other action. */
  #glance(
    reader: ScheduledReader,
    { action, key }: Step,
    note: (name: OperationName, key: number, result: Register | boolean) => void,
  ): boolean {
    if (action === 'glance') {
      const found = reader.get(this.#name(key))
      if (found !== 'undecided') note('get', key, found)
    } else if (action === 'glance over all') {
      const seen = reader.walk()
      if (seen === 'undecided') return true
      for (const [at, name] of this.#keys.entries()) note('get', at, seen.get(name))
    } else return false
    return true
  }

  /** Actions on all keys; false if it is none of them. */
  #runTogether(
    together: Together,
    { action, argument }: Step,
    note: (name: OperationName, key: number, result: Register | boolean) => void,
  ): boolean {
    const noteAll = (name: OperationName, result: Register | boolean): void => {
      for (const at of this.#keys.keys()) note(name, at, result)
    }
    if (action === 'put all') noteAll('set', together.putAll(argument) as undefined)
    else if (action === 'delete all') noteAll('clear', together.putAll(undefined) as undefined)
    else if (action === 'add to all') noteAll('increment', together.addToAll(argument))
    else if (action === 'read all') noteAll('get', together.readAll())
    else if (action === 'read in turn') this.#readInTurn(note)
    else return false
    return true
  }

  /** One get after the other, while others only ever raise the values of all keys at once: none is behind the one before. */
  #readInTurn(note: (name: OperationName, key: number, result: Register | boolean) => void): void {
    let least = -1
    for (const at of this.#keys.keys()) {
      const value = this.#read(this.#map.get(this.#name(at)))
      if ((value ?? -1) < least) throw new Error(`two gets in turn saw half: ${value} after ${least}`)
      least = value ?? -1
      note('get', at, value)
    }
  }

  #name(key: number): string {
    const name = this.#keys[key]
    if (name === undefined) throw new RangeError(`there is no key ${key}`)
    return name
  }

  #read(stored: unknown): Register {
    return stored === undefined ? undefined : this.#form.read(stored)
  }

  #operate({ key, argument, expected }: Step, action: OperationName): Register | boolean {
    const map = this.#map
    const name = this.#name(key)
    const value = this.#form.write(argument)
    switch (action) {
      case 'get':
        return this.#read(map.get(name))
      case 'has':
        return map.has(name)
      case 'set':
        map.set(name, value)
        return undefined
      case 'insert':
        return map.insert(name, value)
      case 'replace':
        return map.replace(name, value)
      case 'delete':
        return map.delete(name)
      case 'take':
        return this.#read(map.take(name))
      case 'exchange':
        return this.#read(map.exchange(name, value))
      case 'compareAndSet':
        return map.compareAndSet(name, expected === undefined ? undefined : this.#form.write(expected), value)
      case 'increment':
        return map.increment(name, argument)
      case 'getOrInsert':
        return this.#read(map.getOrInsert(name, value))
      case 'compute':
        return this.#compute(name, argument)
      case 'clear':
        throw new Error('clear is of all keys')
    }
  }

  #compute(name: string, argument: number): Register {
    let old: Register
    this.#map.compute(name, (stored) => {
      old = this.#read(stored)
      const next = computedNext(old, argument)
      return next === undefined ? undefined : this.#form.write(next)
    })
    return old
  }

  #entry(key: number): Register {
    const entry = this.#map.getEntry(this.#name(key))
    if (entry === undefined) return undefined
    const { remainingTtlMs, value } = entry
    if (!REMAINING_MS.includes(remainingTtlMs)) throw new Error(`a ttl nobody has set: ${remainingTtlMs}`)
    return this.#read(value)
  }

  #walk(): Map<number, number> {
    const seen = new Map<number, number>()
    for (const [name, stored] of this.#map) {
      const key = this.#keys.indexOf(name)
      if (key < 0) continue
      if (seen.has(key)) throw new Error(`a walk met ${name} twice`)
      seen.set(key, this.#form.read(stored))
    }
    return seen
  }
}

/** The errors of the instrumented copy are of its own class, so only the code tells. */
function isFull(error: unknown): boolean {
  return isOperationError(error, 'FULL') || (error as { code?: unknown }).code === 'FULL'
}
