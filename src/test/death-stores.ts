/**
 * The hook that every store into shared memory goes through in the instrumented build (see death-instrument.ts).
 *
 * It counts the stores of the actor that is on stage and lets it die before the first one that it may not do any more.
 * A dead actor stores nothing ever again: whatever its `finally` and `catch` try, the hook throws. So the shared memory is
 * left exactly as a thread leaves it that was ended after its n-th store.
 *
 * A fill or copy of more than one element counts as two stores, so that death can come in its middle. All stores are kept
 * in a journal: `rollBack` undoes them, which is how thousands of deaths start from the same memory.
 *
 * One thread plays all actors, one after the other. Not for stores into private arrays: they pass through.
 */

/** What stops an actor that has died. No subclass of Error: nothing may take it for a failure that it knows. */
export class Stop {
  readonly actor: string
  constructor(actor: string) {
    this.actor = actor
  }
}

export interface Actor {
  readonly name: string
  /** Stores that it may still do. */
  left: number
  stores: number
  dead: boolean
}

type View = Int32Array | Float64Array | BigInt64Array | Uint8Array
export type RangeMethod = 'fill' | 'set' | 'utf8Write' | 'latin1Write'
type Numbers = Record<number, number | bigint>

interface Change {
  readonly target: View
  readonly at: number
  readonly old: number | bigint | View
}

/** Drops a store: the canary breaks the code by it. Gets the array, the index and what is to be stored. */
export type Sabotage = (target: View, at: number, value: number | bigint) => boolean

export class StoreHook {
  #actor: Actor | undefined
  #journal: Change[] = []
  /** Mappings of files that others map too. */
  readonly #mapped = new WeakSet<ArrayBufferLike>()
  sabotage: Sabotage | undefined

  /** Runs `act` as `actor`; true if it came to its end, false if the actor died in it. */
  as(actor: Actor, act: () => void): boolean {
    const before = this.#actor
    this.#actor = actor
    try {
      act()
    } catch (error) {
      if (!(error instanceof Stop)) throw error
    } finally {
      this.#actor = before
    }
    return !actor.dead
  }

  /** Memory that is shared although it is no SharedArrayBuffer. */
  noteShared(buffer: ArrayBufferLike): void {
    this.#mapped.add(buffer)
  }

  #isShared(view: View): boolean {
    return view.buffer instanceof SharedArrayBuffer || this.#mapped.has(view.buffer)
  }

  rollBack(): void {
    for (let change = this.#journal.pop(); change !== undefined; change = this.#journal.pop()) {
      const { target, at, old } = change
      if (typeof old === 'object') (target as Int32Array).set(old as Int32Array, at)
      else (target as Numbers)[at] = old
    }
  }

  /** Everything stored so far stays. */
  keep(): void {
    this.#journal = []
  }

  /** `target[at] = value`. */
  store(target: View, at: number, value: number | bigint): number | bigint {
    if (this.#isShared(target)) this.#put(target, at, value)
    else (target as Numbers)[at] = value
    return value
  }

  /** `target[at] += by` and its like; returns the old value and the new one. */
  change(target: View, at: number, operator: string, by: number): number {
    const changed = operate(operator, (target as Int32Array)[at] as number, by)
    this.store(target, at, changed)
    return changed
  }

  /** `target[at]++` where the old value is used. */
  changeAfter(target: View, at: number, operator: string, by: number): number {
    const old = (target as Int32Array)[at] as number
    this.store(target, at, operate(operator, old, by))
    return old
  }

  /** `Atomics[operation](target, at, ...values)` for those that store. */
  atomic(operation: string, target: View, at: number, ...values: (number | bigint)[]): number | bigint {
    const old = (target as Numbers)[at] as number | bigint
    if (operation === 'compareExchange') {
      if (this.#actor?.dead === true) throw new Stop(this.#actor.name)
      if (old === values[0]) this.store(target, at, values[1] as number)
    } else if (operation === 'store' || operation === 'exchange') {
      this.store(target, at, values[0] as number)
    } else {
      const operator = { add: '+', sub: '-', or: '|', and: '&', xor: '^' }[operation] as string
      this.store(target, at, operate(operator, old as number, values[0] as number))
    }
    return operation === 'store' ? (values[0] as number) : old
  }

  /** `target[method](...)` for a method that may store a range, whatever `target` is. */
  call(target: unknown, method: RangeMethod, values: unknown[]): unknown {
    if (!ArrayBuffer.isView(target) || !this.#isShared(target as View)) {
      return (target as Record<string, (...values: unknown[]) => unknown>)[method]?.(...values)
    }
    const view = target as Int32Array
    if (method === 'utf8Write' || method === 'latin1Write')
      return this.#write(target as Buffer, method, values)
    if (method === 'set')
      this.#copy(view, (values[1] as number | undefined) ?? 0, values[0] as ArrayLike<number>)
    else this.#fill(view, values[0] as number, values[1] as number, values[2] as number)
    return view
  }

  /** Text goes in by one native call: one store. */
  #write(target: Buffer, method: 'utf8Write' | 'latin1Write', values: unknown[]): unknown {
    const at = values[1] as number
    const length = Math.min((values[2] as number | undefined) ?? target.length, target.length - at)
    let written: unknown = 0
    const write = () => {
      written = (target as unknown as Record<string, (...values: unknown[]) => unknown>)[method]?.(...values)
    }
    this.#putRange(target, at, length, write)
    return written
  }

  #copy(target: Int32Array, at: number, source: ArrayLike<number>): void {
    const from = ArrayBuffer.isView(source) ? (source as Int32Array) : Int32Array.from(source)
    const half = from.length >>> 1
    this.#putRange(target, at, half, () => target.set(from.subarray(0, half), at))
    this.#putRange(target, at + half, from.length - half, () => target.set(from.subarray(half), at + half))
  }

  #fill(target: Int32Array, value: number, start: number, end: number): void {
    const half = (start + end) >>> 1
    this.#putRange(target, start, half - start, () => target.fill(value, start, half))
    this.#putRange(target, half, end - half, () => target.fill(value, half, end))
  }

  #putRange(target: Int32Array | Uint8Array, at: number, length: number, put: () => void): void {
    if (length === 0) return
    this.#mayStore()
    // Not `slice`: that of a Buffer is no copy.
    const range = target.subarray(at, at + length)
    this.#journal.push({
      target,
      at,
      old: target instanceof Int32Array ? new Int32Array(range) : new Uint8Array(range),
    })
    put()
  }

  #put(target: View, at: number, value: number | bigint): void {
    this.#mayStore()
    if (this.sabotage?.(target, at, value) === true) return
    this.#journal.push({ target, at, old: (target as Numbers)[at] as number | bigint })
    ;(target as Numbers)[at] = value
  }

  #mayStore(): void {
    const actor = this.#actor
    if (actor === undefined) return
    if (actor.dead || actor.left === 0) {
      actor.dead = true
      throw new Stop(actor.name)
    }
    actor.left--
    actor.stores++
  }
}

function operate(operator: string, old: number, by: number): number {
  switch (operator) {
    case '+':
      return old + by
    case '-':
      return old - by
    case '|':
      return old | by
    case '&':
      return old & by
    case '^':
      return old ^ by
    default:
      throw new Error(`no store uses ${operator}=`)
  }
}

/** The one hook that instrumented modules call: they are loaded by path and can be given nothing else. */
export const storeHook = new StoreHook()
