/**
 * What the instrumented code calls in place of each access to shared memory. Before the access, the hook lets the
 * scheduler decide whether another participant goes first; arrays that are not shared are accessed as they are.
 *
 * A `++` is a load and a store, a bulk copy is two halves: whatever another thread could come between, it can here.
 */
type Words = Int32Array | Float64Array | BigInt64Array
type Elements = Record<number, unknown>

export interface Stepper {
  /** Called before each shared access. */
  step(): void
  /** In place of sleeping on a word. */
  sleep(at: number): void
  /** In place of waking who sleeps on a word. */
  wake(at: number): void
  /** Whether an access is nobody else's business and takes no step. */
  isPrivate(array: ArrayBufferView, index: number): boolean
}

/** The scheduler of this thread, once there is one; and whether what runs may not store. */
export const current: { stepper: Stepper | undefined; isReadOnly: boolean } = {
  stepper: undefined,
  isReadOnly: false,
}

function isShared(object: unknown): object is ArrayBufferView {
  return ArrayBuffer.isView(object) && object.buffer instanceof SharedArrayBuffer
}

function step(object: unknown, index: number): void {
  const { stepper } = current
  if (stepper !== undefined && isShared(object) && !stepper.isPrivate(object, index)) stepper.step()
}

function stepToStore(object: unknown, index: number): void {
  if (current.isReadOnly && isShared(object)) throw new Error('a read-only reader has stored')
  step(object, index)
}

export function load(object: Elements, index: number): unknown {
  step(object, index)
  return object[index]
}

export function store(object: Elements, index: number, value: unknown): unknown {
  stepToStore(object, index)
  object[index] = value
  return value
}

export function update(object: Elements, index: number, change: (old: unknown) => unknown): unknown {
  return store(object, index, change(load(object, index)))
}

export function postfix(object: Elements, index: number, by: number): unknown {
  const old = load(object, index) as number
  store(object, index, old + by)
  return old
}

/** `copy`, `latin1Slice`, `fill` and `set` of a byte buffer or an array, in two halves if memory is shared. */
export function bulk(object: object, method: string, ...values: unknown[]): unknown {
  const run = (...given: unknown[]): unknown =>
    (object as Record<string, (...values: unknown[]) => unknown>)[method]?.(...given)
  if (current.stepper === undefined || !isShared(object)) return run(...values)
  current.stepper.step()
  if (method === 'latin1Slice') {
    const [from, to] = values as [number, number]
    const middle = from + ((to - from) >>> 1)
    const first = run(from, middle) as string
    current.stepper.step()
    return first + (run(middle, to) as string)
  }
  if (method === 'copy') {
    const [target, targetAt, from, to] = values as [Uint8Array, number, number, number]
    const half = (to - from) >>> 1
    run(target, targetAt, from, from + half)
    current.stepper.step()
    return run(target, targetAt + half, from + half, to)
  }
  if (method === 'set') {
    const [source, at = 0] = values as [Uint8Array, number?]
    const half = source.length >>> 1
    run(source.subarray(0, half), at)
    current.stepper.step()
    return run(source.subarray(half), at + half)
  }
  return run(...values)
}

export const atomics = {
  load(array: Words, index: number): unknown {
    step(array, index)
    return Atomics.load(array as Int32Array, index)
  },
  store(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.store(array as Int32Array, index, value)
  },
  add(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.add(array as Int32Array, index, value)
  },
  sub(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.sub(array as Int32Array, index, value)
  },
  or(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.or(array as Int32Array, index, value)
  },
  and(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.and(array as Int32Array, index, value)
  },
  exchange(array: Words, index: number, value: never): unknown {
    stepToStore(array, index)
    return Atomics.exchange(array as Int32Array, index, value)
  },
  compareExchange(array: Words, index: number, expected: never, value: never): unknown {
    stepToStore(array, index)
    return Atomics.compareExchange(array as Int32Array, index, expected, value)
  },
  wait(array: Int32Array, index: number, expected: number, timeoutMs: number): string {
    const { stepper } = current
    if (stepper === undefined) return Atomics.wait(array, index, expected, timeoutMs)
    stepper.step()
    if (Atomics.load(array, index) !== expected) return 'not-equal'
    stepper.sleep(index)
    return 'ok'
  },
  notify(array: Int32Array, index: number): number {
    const { stepper } = current
    if (stepper === undefined) return Atomics.notify(array, index)
    stepper.step()
    stepper.wake(index)
    return 0
  },
}
