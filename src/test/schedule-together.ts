/**
 * Actions on all keys of a scenario at once, for participants of a schedule. They judge what no history of one key can:
 * whether somebody saw half. Whoever uses them writes every key at once and gives all of them the same value.
 */
import type { SharedMapHandle } from '../index.js'
import type { SharedArrayHandle, SharedArrayRegion } from '../memory/shared-array-region.js'
import type { SeveralKeys } from '../table/several-keys.js'
import type { Table } from '../table/table.js'
import type { Register } from './linearizability.js'
import { formOf, RUN_CLOCK_MS } from './schedule-program.js'

/** The classes of the instrumented copy. */
export interface TogetherTree {
  readonly Table: typeof Table
  readonly SharedArrayRegion: typeof SharedArrayRegion
  readonly SeveralKeys: typeof SeveralKeys
}

const FORM = formOf('texts')

export class Together {
  readonly #table: Table
  readonly #several: SeveralKeys
  readonly #keys: readonly Buffer[]

  constructor(tree: TogetherTree, handle: SharedMapHandle, keys: readonly string[], lockTimeoutMs: number) {
    const region = tree.SharedArrayRegion.attach(handle.region as SharedArrayHandle)
    this.#table = tree.Table.attach(region, { clock: () => RUN_CLOCK_MS, lockTimeoutMs })
    this.#several = new tree.SeveralKeys(this.#table)
    this.#keys = keys.map((key) => Buffer.from(key))
  }

  /** Gives all keys this value, or deletes them. */
  putAll(value: Register): void {
    const several = this.#several
    several.begin()
    for (const key of this.#keys) {
      const touched = several.touch(key)
      if (value === undefined) several.remove(touched)
      else several.put(touched, bytesOf(value), Number.POSITIVE_INFINITY)
    }
    if (!several.commit()) throw new Error('a transaction that has seen nothing did not commit')
  }

  /** Adds to all keys at once, as often as it takes; returns the new value. */
  addToAll(by: number): number {
    const several = this.#several
    for (;;) {
      several.begin()
      const seen = this.#keys.map((key) =>
        several.see(several.touch(key)) ? FORM.read(this.#table.reader.bytes.toString()) : undefined,
      )
      const next = (seen[0] ?? 0) + by
      for (const key of this.#keys) several.put(several.touch(key), bytesOf(next), Number.POSITIVE_INFINITY)
      if (!several.commit()) continue
      allEqual(seen, 'a transaction that committed')
      return next
    }
  }

  /** Reads all keys at once. */
  readAll(): Register {
    const values: Register[] = []
    this.#several.readMany(
      this.#keys,
      () => values.splice(0),
      (value) => values.push(value === undefined ? undefined : FORM.read(Buffer.from(value).toString())),
    )
    return allEqual(values, 'a read of several keys')
  }

  close(): void {
    this.#table.close()
  }
}

function allEqual(values: readonly Register[], who: string): Register {
  const [first] = values
  if (values.some((value) => value !== first)) throw new Error(`${who} saw half: ${values.join(', ')}`)
  return first
}

function bytesOf(value: number): Buffer {
  return Buffer.from(String(FORM.write(value)))
}
