/** What a run of the benchmark of processes gave, round by round. Holds numbers, decides nothing. */
import { median } from './statistics.js'
import type { Operation } from './workload.js'

/** One operation of one contender by the processes of some places: 0 is the one that filled the table. */
export interface ProcessRate {
  readonly contender: string
  readonly operation: Operation
  readonly places: readonly number[]
  /** Wall time of all operations of all processes by their number; one figure a round. */
  readonly nsPerOperation: readonly number[]
  readonly medianNsPerOperation: number
  /** Median of the rounds, of all processes together; undefined where it says nothing. */
  readonly processorNsPerOperation?: number
}

/** Milliseconds of the first opening of a process and of those after it, of all rounds. */
export interface Openings {
  readonly kind: 'new' | 'existing'
  readonly firstMs: readonly number[]
  readonly laterMs: readonly number[]
  /** What the processor worked for the first ones. */
  readonly processorMs: readonly number[]
}

const NO_OPENINGS = { firstMs: [], laterMs: [], processorMs: [] }

export class ProcessResults {
  readonly #rates = new Map<string, ProcessRate>()
  readonly #processor = new Map<string, number[]>()
  readonly #openings = new Map<Openings['kind'], Openings>()
  readonly #leftOut = new Map<string, string>()

  add(
    contender: string,
    operation: Operation,
    places: readonly number[],
    ns: number,
    processorNs?: number,
  ): void {
    const key = keyOf(contender, operation, places)
    const nsPerOperation = [...this.nsPerOperation(contender, operation, places), ns]
    const processor = [
      ...(this.#processor.get(key) ?? []),
      ...(processorNs === undefined ? [] : [processorNs]),
    ]
    this.#processor.set(key, processor)
    this.#rates.set(key, {
      contender,
      operation,
      places,
      nsPerOperation,
      medianNsPerOperation: median(nsPerOperation),
      ...(processor.length === 0 ? {} : { processorNsPerOperation: median(processor) }),
    })
  }

  /** Openings of one process, in their order. */
  addOpenings(kind: Openings['kind'], ms: readonly number[], worked: readonly number[]): void {
    const { firstMs, laterMs, processorMs } = this.#openings.get(kind) ?? NO_OPENINGS
    this.#openings.set(kind, {
      kind,
      firstMs: [...firstMs, ...ms.slice(0, 1)],
      laterMs: [...laterMs, ...ms.slice(1)],
      processorMs: [...processorMs, ...worked.slice(0, 1)],
    })
  }

  leaveOut(contender: string, reason: string): void {
    this.#leftOut.set(contender, reason)
  }

  isLeftOut(contender: string): boolean {
    return this.#leftOut.has(contender)
  }

  reason(contender: string): string {
    return this.#leftOut.get(contender) ?? 'not measured'
  }

  /** One figure a round; empty where it was not measured. */
  nsPerOperation(contender: string, operation: Operation, places: readonly number[]): readonly number[] {
    return this.#rates.get(keyOf(contender, operation, places))?.nsPerOperation ?? []
  }

  /** Median; undefined where it was not measured. */
  processorNs(contender: string, operation: Operation, places: readonly number[]): number | undefined {
    return this.#rates.get(keyOf(contender, operation, places))?.processorNsPerOperation
  }

  openings(kind: Openings['kind']): Openings | undefined {
    return this.#openings.get(kind)
  }

  get rates(): readonly ProcessRate[] {
    return [...this.#rates.values()]
  }

  toJSON(): unknown {
    return {
      rates: this.rates,
      openings: [...this.#openings.values()],
      leftOut: Object.fromEntries(this.#leftOut),
    }
  }
}

function keyOf(contender: string, operation: Operation, places: readonly number[]): string {
  return `${contender} ${operation} ${places.join('+')}`
}
