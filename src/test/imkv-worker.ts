/**
 * A thread that uses imkv through its C names. `calls`: does what it is told and answers. `storm`: until the stop word
 * rises, inserts entries of its own with rising numbers, deletes old ones, fights over a few keys with everybody, and
 * judges every chain that it reads: its own entries must all be there, in the order in which it inserted them.
 * `parade`: until the stop word rises, numbers march through the table, always the next in before the first goes out.
 */
import { parentPort, workerData } from 'node:worker_threads'
import {
  HT_RET,
  ht_attach,
  ht_count,
  ht_delete,
  ht_destroy,
  ht_insert,
  ht_iterate,
  ht_lookup,
  type ImkvHandle,
} from '../imkv/imkv.js'
import { SeededRandom } from './seeded-random.js'

export interface ImkvWorkerData {
  readonly table: ImkvHandle
  readonly job: 'calls' | 'storm' | 'parade'
  readonly buckets: number
  /** Of a storm: no two threads ever have the same. */
  readonly name: string
  readonly seed: number
  readonly stop: SharedArrayBuffer
}

/** One call and its arguments. `fill` and `empty` insert and delete `key 0`, `key 1`, ... until one fails. */
export type ImkvCall =
  | readonly ['insert', string, string]
  | readonly ['delete', string]
  | readonly ['lookup', string]
  | readonly ['count']
  | readonly ['fill', string]
  | readonly ['empty', string]
  | readonly ['destroy']

const OWN_ENTRIES = 400
const CONTESTED_KEYS = 20
const PARADE_ENTRIES = 30
const data = workerData as ImkvWorkerData

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`${data.name}: ${what}`)
}

function untilItFails(step: (at: number) => boolean): number {
  for (let at = 0; ; at++) if (!step(at)) return at
}

function answer(call: ImkvCall): unknown {
  const [name, key = '', value = ''] = call
  const out: { val?: string } = {}
  if (name === 'insert') return ht_insert(key, value)
  if (name === 'delete') return ht_delete(key)
  if (name === 'lookup') return [ht_lookup(key, out), out.val]
  if (name === 'count') return ht_count()
  if (name === 'destroy') return ht_destroy()
  if (name === 'fill')
    return untilItFails((at) => ht_insert(`${key}${at}`, 'x'.repeat(at % 100)) === HT_RET.INSERT_OK)
  return untilItFails((at) => ht_delete(`${key}${at}`) === HT_RET.DELETE_OK)
}

class Storm {
  readonly #random = new SeededRandom(data.seed)
  readonly #prefix = `${data.name}:`
  #oldest = 0
  #next = 0

  step(): void {
    const draw = this.#random.below(100)
    if (draw < 35 || this.#next - this.#oldest < 10) this.#insertOwn()
    else if (draw < 65 || this.#next - this.#oldest > OWN_ENTRIES) this.#deleteOwn()
    else if (draw < 80) this.#lookUpOwn()
    else if (draw < 98) this.#fight()
    else this.#judge(this.#random.below(data.buckets))
  }

  /** All chains: every own entry is in one of them. Returns how many entries this thread has. */
  finish(): number {
    const seen = Array.from({ length: data.buckets }, (_, bucket) => this.#judge(bucket))
    const entries = seen.reduce((sum, count) => sum + count, 0)
    expect(
      entries === this.#next - this.#oldest,
      `${entries} of ${this.#next - this.#oldest} entries in chains`,
    )
    return entries
  }

  #key(number: number): string {
    return `${this.#prefix}${number}`
  }

  #value(key: string): string {
    return `value of ${key} `.repeat(1 + (key.length % 5))
  }

  #insertOwn(): void {
    const key = this.#key(this.#next++)
    expect(ht_insert(key, this.#value(key)) === HT_RET.INSERT_OK, `${key} was not inserted`)
  }

  #deleteOwn(): void {
    const key = this.#key(this.#oldest++)
    expect(ht_delete(key) === HT_RET.DELETE_OK, `${key} was not deleted`)
    expect(ht_lookup(key) === HT_RET.NOTFOUND, `${key} was found after its delete`)
  }

  #lookUpOwn(): void {
    const key = this.#key(this.#oldest + this.#random.below(this.#next - this.#oldest))
    const out = { val: '' }
    expect(ht_lookup(key, out) === HT_RET.FOUND && out.val === this.#value(key), `${key} is ${out.val}`)
    expect(ht_insert(key, 'other') === HT_RET.INSERT_FAILED, `${key} was inserted twice`)
  }

  #fight(): void {
    const key = `contested ${this.#random.below(CONTESTED_KEYS)}`
    const out = { val: '' }
    if (this.#random.oneIn(3)) ht_insert(key, this.#value(key))
    else if (this.#random.oneIn(2)) ht_delete(key)
    else if (ht_lookup(key, out) === HT_RET.FOUND)
      expect(out.val === this.#value(key), `${key} is ${out.val}`)
  }

  /** Own entries in a chain, which must be live ones in the order of insertion. */
  #judge(bucket: number): number {
    let last = -1
    let own = 0
    for (const [key, value] of ht_iterate(bucket)) {
      // The main thread's, with values of its own.
      if (key.startsWith('after')) continue
      expect(value === this.#value(key), `${key} is ${value}`)
      if (!key.startsWith(this.#prefix)) continue
      const number = Number(key.slice(this.#prefix.length))
      expect(number > last, `${number} comes after ${last} in bucket ${bucket}`)
      expect(number >= this.#oldest && number < this.#next, `${number} is not there any more`)
      last = number
      own++
    }
    return own
  }
}

const isStopped = (): boolean => Atomics.load(new Int32Array(data.stop), 0) !== 0

function parade(): void {
  for (let number = 0; !isStopped(); number++) {
    expect(ht_insert(`${number}`, '') === HT_RET.INSERT_OK, `${number} was not inserted`)
    const gone = number - PARADE_ENTRIES
    if (gone >= 0) expect(ht_delete(`${gone}`) === HT_RET.DELETE_OK, `${gone} was not deleted`)
    if (number === PARADE_ENTRIES) parentPort?.postMessage('under way')
  }
}

expect(ht_attach(data.table) === HT_RET.INIT_OK, 'the table cannot be attached')
expect(ht_attach(data.table) === HT_RET.INIT_FAILED, 'the table was attached twice')
if (data.job === 'calls') {
  parentPort?.on('message', (call: ImkvCall | 'leave') => {
    if (call === 'leave') parentPort?.close()
    else parentPort?.postMessage(answer(call))
  })
} else if (data.job === 'parade') {
  parade()
} else {
  const storm = new Storm()
  for (let steps = 0; !isStopped(); steps++) {
    storm.step()
    if (steps === 500) parentPort?.postMessage('under way')
  }
  parentPort?.postMessage(storm.finish())
}
