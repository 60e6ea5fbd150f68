/**
 * SharedMap in the coat of a {@link Subject}. Three kinds of values: `numbers` (int32; all operations), `texts`
 * (a decimal number and padding that depends on it, so that values change their size class at every write; some
 * not ASCII) and `blobs` (the same as bytes). A text or blob that does not decode to itself is a torn value and throws.
 */
import { Client, type Codec, codecs, SharedMap, type SharedMapHandle } from '../index.js'
import type { Register } from './linearizability.js'
import type { Subject } from './subject.js'

export const VALUE_KINDS = ['numbers', 'texts', 'blobs'] as const
export type ValueKind = (typeof VALUE_KINDS)[number]

export interface TableHandle {
  readonly kind: ValueKind
  readonly table: SharedMapHandle
}

interface ValueForm<V> {
  readonly codec: Codec<V>
  readonly write: (value: number) => V
  readonly read: (stored: V) => number
}

function textOf(value: number): string {
  return `${value}|${(value % 3 === 0 ? 'é' : 'x').repeat((value * 7) % 300)}`
}

function numberOf(text: string): number {
  const value = Number.parseInt(text, 10)
  if (textOf(value) !== text) throw new Error(`torn value: ${JSON.stringify(text)}`)
  return value
}

const NUMBERS: ValueForm<number> = { codec: codecs.int32, write: (value) => value, read: (stored) => stored }
const TEXTS: ValueForm<string> = { codec: codecs.string, write: textOf, read: numberOf }
const BLOBS: ValueForm<Uint8Array> = {
  codec: codecs.bytes,
  write: (value) => Buffer.from(textOf(value)),
  read: (stored) => numberOf(Buffer.from(stored).toString()),
}

const keyName = (key: number): string => `key-${key}`
const CHURN_KEYS = 600

/** What it needs of a map; a client that blocks has it too. */
type MapLike<V> = Pick<
  SharedMap<string, V>,
  | 'get'
  | 'has'
  | 'insert'
  | 'replace'
  | 'delete'
  | 'take'
  | 'exchange'
  | 'compareAndSet'
  | 'getOrInsert'
  | 'compute'
  | 'getMany'
  | 'clear'
> & {
  set(key: string, value: V): unknown
  setMany(entries: Iterable<readonly [string, V]>): unknown
  increment(key: string, by: number): unknown
  check?(): void
}

export class TableSubject<V> implements Subject {
  readonly #map: MapLike<V>
  readonly #form: ValueForm<V>

  constructor(map: MapLike<V>, form: ValueForm<V>) {
    this.#map = map
    this.#form = form
  }

  #read(stored: V | undefined): Register {
    return stored === undefined ? undefined : this.#form.read(stored)
  }

  get(key: number): Register {
    return this.#read(this.#map.get(keyName(key)))
  }

  has(key: number): boolean {
    return this.#map.has(keyName(key))
  }

  set(key: number, value: number): void {
    this.#map.set(keyName(key), this.#form.write(value))
  }

  insert(key: number, value: number): boolean {
    return this.#map.insert(keyName(key), this.#form.write(value))
  }

  replace(key: number, value: number): boolean {
    return this.#map.replace(keyName(key), this.#form.write(value))
  }

  delete(key: number): boolean {
    return this.#map.delete(keyName(key))
  }

  take(key: number): Register {
    return this.#read(this.#map.take(keyName(key)))
  }

  exchange(key: number, value: number): Register {
    return this.#read(this.#map.exchange(keyName(key), this.#form.write(value)))
  }

  compareAndSet(key: number, expected: Register, next: number): boolean {
    const found = expected === undefined ? undefined : this.#form.write(expected)
    return this.#map.compareAndSet(keyName(key), found, this.#form.write(next))
  }

  increment(key: number, by: number): number {
    return Number(this.#map.increment(keyName(key), by))
  }

  getOrInsert(key: number, value: number): number {
    return this.#form.read(this.#map.getOrInsert(keyName(key), this.#form.write(value)))
  }

  compute(key: number, next: (old: Register) => Register): Register {
    let seen: Register
    this.#map.compute(keyName(key), (stored) => {
      seen = this.#read(stored)
      const value = next(seen)
      return value === undefined ? undefined : this.#form.write(value)
    })
    return seen
  }

  getMany(keys: readonly number[]): Register[] {
    return this.#map.getMany(keys.map(keyName)).map((stored) => this.#read(stored))
  }

  setMany(entries: readonly (readonly [number, number])[]): void {
    this.#map.setMany(entries.map(([key, value]) => [keyName(key), this.#form.write(value)] as const))
  }

  clear(): void {
    this.#map.clear()
  }

  churn(random: { below(bound: number): number }): void {
    const key = `beside-${random.below(CHURN_KEYS)}`
    if (random.below(3) === 0) this.#map.delete(key)
    else this.#map.set(key, this.#form.write(random.below(1000)))
  }

  check(): void {
    this.#map.check?.()
  }
}

interface TableShape {
  readonly capacity: string
  readonly stripes?: number
  /** Of a named table; without one, the table is this process's own. */
  readonly name?: string
}

/** A new table, as a subject for this thread and a handle for others. */
export function createTable(
  kind: ValueKind,
  { name, ...shape }: TableShape,
): { subject: Subject; handle: TableHandle } {
  const create = <V>(form: ValueForm<V>): { subject: Subject; handle: TableHandle } => {
    const options = { ...shape, initialSize: 0, values: form.codec }
    const map =
      name === undefined ? new SharedMap<string, V>(options) : SharedMap.open<string, V>(name, options)
    return { subject: new TableSubject(map, form), handle: { kind, table: map.share() } }
  }
  return kind === 'numbers' ? create(NUMBERS) : kind === 'texts' ? create(TEXTS) : create(BLOBS)
}

/** The same for one who has it read-only; it must be a named table. */
export function readOnlyHandle({ kind, table }: TableHandle): TableHandle {
  const { region } = table
  if (region.kind !== 'mapped') throw new TypeError('only a named table can be opened read-only')
  return { kind, table: { ...table, region: { ...region, access: 'ro' } } }
}

export function attachTable({ kind, table }: TableHandle): Subject {
  const attach = <V>(form: ValueForm<V>): Subject =>
    new TableSubject(SharedMap.attach<string, V>(table, { values: form.codec }), form)
  return kind === 'numbers' ? attach(NUMBERS) : kind === 'texts' ? attach(TEXTS) : attach(BLOBS)
}

/** The table of a server, as one of its clients has it. */
export async function connectTable(kind: ValueKind, server: string): Promise<Subject> {
  const connect = async <V>(form: ValueForm<V>): Promise<Subject> => {
    const { sync } = await Client.connect<string, V>(server, { values: form.codec })
    return new TableSubject(sync, form)
  }
  return kind === 'numbers' ? connect(NUMBERS) : kind === 'texts' ? connect(TEXTS) : connect(BLOBS)
}
