/** What a run of the benchmark of the channel gave, round by round. Holds numbers, decides nothing. */
import type { ChannelPart } from './channel-parts.js'
import type { Sample } from './channel-scale.js'
import { median } from './statistics.js'

export interface ChannelRow {
  readonly section: ChannelPart['section']
  readonly key: string
  readonly label: string
  /** One a round. */
  readonly samples: readonly Sample[]
  /** Median of the rounds, number by number. */
  readonly median: Sample
}

export class ChannelResults {
  readonly #rows = new Map<string, ChannelRow>()
  readonly #leftOut = new Map<string, string>()

  /** Adds a round's sample; what to say of it. */
  add({ section, key, label }: ChannelPart, sample: Sample): string {
    const samples = [...(this.#rows.get(key)?.samples ?? []), sample]
    this.#rows.set(key, { section, key, label, samples, median: medianOf(samples) })
    return sample.value.toFixed(2)
  }

  leaveOut(key: string, reason: string): void {
    this.#leftOut.set(key, reason)
    this.#rows.delete(key)
  }

  isLeftOut(key: string): boolean {
    return this.#leftOut.has(key)
  }

  /** Why there is no row of that name. */
  reason(key: string): string {
    return this.#leftOut.get(key) ?? this.#leftOut.get('redis') ?? 'not measured'
  }

  row(key: string): ChannelRow | undefined {
    return this.#rows.get(key)
  }

  get rows(): readonly ChannelRow[] {
    return [...this.#rows.values()]
  }

  get leftOut(): readonly (readonly [key: string, reason: string])[] {
    return [...this.#leftOut]
  }

  toJSON(): unknown {
    return { rows: this.rows, leftOut: Object.fromEntries(this.#leftOut) }
  }
}

function medianOf(samples: readonly Sample[]): Sample {
  const of = (name: keyof Sample): number[] => samples.flatMap((sample) => sample[name] ?? [])
  const named = (['clientNs', 'serverNs', 'p50Ns', 'p99Ns', 'p999Ns'] as const).flatMap((name) =>
    of(name).length === 0 ? [] : [[name, median(of(name))] as const],
  )
  return { value: median(of('value')), ...Object.fromEntries(named) }
}
