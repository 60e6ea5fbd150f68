/**
 * Decides whether a history of concurrent operations on ONE key is linearizable: whether every operation can be given
 * one instant between its call and its response so that a plain register, run in that order, gives the same results.
 *
 * The search is Wing and Gong's with Lowe's memoisation and just-in-time linearisation ("Testing for
 * linearizability", 2017): walk the calls and responses in time order and keep the set of all configurations
 * (which pending operations have already taken effect, value of the register) that explain what has been seen. Only
 * when an operation responds must it have taken effect; that is when others pending may have to go first. An empty
 * set means that no order exists. With t threads a configuration has t bits, so a history of any length costs a small
 * constant a step; there is no backtracking.
 *
 * An operation whose outcome nobody knows (a timeout, a killed thread) has `respondedAt: Infinity`: it may take effect
 * at any time after its call, or never. At most 30 operations may be pending at once.
 *
 * Not for operations that span keys: linearizability is local, so several keys are several histories.
 */
import { assert } from '../base/assert.js'

/** What a key holds; `undefined` is absent. */
export type Register = number | undefined

export const OPERATION_NAMES = [
  'get',
  'has',
  'set',
  'insert',
  'replace',
  'delete',
  'take',
  'exchange',
  'compareAndSet',
  'increment',
  'getOrInsert',
  'compute',
  'clear',
] as const
export type OperationName = (typeof OPERATION_NAMES)[number]

export interface Operation {
  readonly name: OperationName
  readonly thread: number
  /** The value written, or what is added. */
  readonly argument: number
  /** Of compareAndSet: what must be there. */
  readonly expected: Register
  readonly result: Register | boolean
  /** Two readings of one counter that all threads share. */
  readonly invokedAt: number
  readonly respondedAt: number
}

export type Verdict =
  | { readonly linearizable: true; readonly operations: number; readonly widestSearch: number }
  | { readonly linearizable: false; readonly operations: number; readonly explanation: string }

interface Effect {
  readonly result: Register | boolean
  readonly next: Register
}

/** What the function given to `compute` does in a history: adds, and deletes one value in four. */
export function computedNext(old: Register, argument: number): Register {
  if (old === undefined) return argument
  const sum = (old + argument) & 0xffff
  return sum % 4 === 0 ? undefined : sum
}

/** The register itself: what `operation` answers and leaves behind when it finds `state`. */
export function effectOf(operation: Operation, state: Register): Effect {
  const { argument } = operation
  const present = state !== undefined
  switch (operation.name) {
    case 'get':
      return { result: state, next: state }
    case 'has':
      return { result: present, next: state }
    case 'set':
      return { result: undefined, next: argument }
    case 'insert':
      return { result: !present, next: present ? state : argument }
    case 'replace':
      return { result: present, next: present ? argument : state }
    case 'delete':
      return { result: present, next: undefined }
    case 'take':
      return { result: state, next: undefined }
    case 'exchange':
      return { result: state, next: argument }
    case 'compareAndSet':
      return { result: state === operation.expected, next: state === operation.expected ? argument : state }
    case 'increment':
      return { result: (state ?? 0) + argument, next: (state ?? 0) + argument }
    case 'getOrInsert':
      return { result: state ?? argument, next: state ?? argument }
    case 'compute':
      return { result: state, next: computedNext(state, argument) }
    case 'clear':
      return { result: undefined, next: undefined }
  }
}

/** One explanation of everything seen so far. */
interface Configuration {
  /** A bit for each pending operation that has taken effect. */
  readonly done: number
  readonly state: Register
}

type Configurations = Map<string, Configuration>

const MAX_PENDING = 30

function keep(into: Configurations, done: number, state: Register): boolean {
  const name = `${done}:${state}`
  if (into.has(name)) return false
  into.set(name, { done, state })
  return true
}

/** The pending operations by slot, and the search over their orders. */
class Search {
  readonly #pending: (Operation | undefined)[] = []
  #configurations: Configurations = new Map()
  widest = 1

  constructor(initial: Register) {
    keep(this.#configurations, 0, initial)
  }

  call(operation: Operation): void {
    const free = this.#pending.indexOf(undefined)
    const slot = free < 0 ? this.#pending.length : free
    assert(slot < MAX_PENDING, 'too many operations pending at once')
    this.#pending[slot] = operation
  }

  /** Keeps the configurations in which `operation` has taken effect; false if there are none. */
  respond(operation: Operation): boolean {
    const slot = this.#pending.indexOf(operation)
    const bit = 1 << slot
    const reached: Configurations = new Map()
    const visited: Configurations = new Map()
    const open = [...this.#configurations.values()]
    for (let from = open.pop(); from !== undefined; from = open.pop()) {
      if ((from.done & bit) !== 0) keep(reached, from.done & ~bit, from.state)
      else this.#successors(from, visited, open)
    }
    if (reached.size === 0) return false
    this.widest = Math.max(this.widest, visited.size + reached.size)
    this.#configurations = reached
    this.#pending[slot] = undefined
    return true
  }

  #successors(from: Configuration, visited: Configurations, open: Configuration[]): void {
    for (const [slot, operation] of this.#pending.entries()) {
      if (operation === undefined || (from.done & (1 << slot)) !== 0) continue
      const { result, next } = effectOf(operation, from.state)
      const explains = operation.respondedAt === Infinity || result === operation.result
      const done = from.done | (1 << slot)
      if (explains && keep(visited, done, next)) open.push({ done, state: next })
    }
  }

  explain(operation: Operation): string {
    const states = new Set([...this.#configurations.values()].map(({ state }) => state))
    const others = this.#pending.filter((other) => other !== undefined && other !== operation)
    return [
      `no order explains ${describe(operation)}`,
      `before its concurrent operations the key could hold ${[...states].slice(0, 20).join(', ')}`,
      ...others.map((other) => `  pending: ${other && describe(other)}`),
    ].join('\n')
  }
}

function describe(operation: Operation): string {
  const { name, thread, argument, expected, result, invokedAt, respondedAt } = operation
  const given = name === 'compareAndSet' ? `${expected}, ${argument}` : `${argument}`
  return `thread ${thread}: ${name}(${given}) -> ${result} during [${invokedAt}, ${respondedAt}]`
}

interface Event {
  readonly at: number
  readonly isCall: boolean
  readonly operation: Operation
}

/** Judges the history of one key that held `initial` before the first call; `history` may be in any order. */
export function checkRegister(history: readonly Operation[], initial?: number): Verdict {
  const events: Event[] = history.flatMap((operation) => [
    { at: operation.invokedAt, isCall: true, operation },
    { at: operation.respondedAt, isCall: false, operation },
  ])
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at < b.at ? -1 : 1))
  const search = new Search(initial)
  for (const { at, isCall, operation } of events) {
    if (isCall) search.call(operation)
    else if (at !== Infinity && !search.respond(operation)) {
      return { linearizable: false, operations: history.length, explanation: search.explain(operation) }
    }
  }
  return { linearizable: true, operations: history.length, widestSearch: search.widest }
}
