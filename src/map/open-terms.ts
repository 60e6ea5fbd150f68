/**
 * What whoever opens a named table asks for: its options, checked, and whether the table that is there is what they say.
 * What they leave out, the table knows.
 */
import { OperationError } from '../base/errors.js'
import { formatSize } from '../base/size.js'
import { type Codec, describe } from '../codec/codec.js'
import { codecs } from '../codec/codecs.js'
import { EVICTION } from '../memory/header.js'
import type { RegionView } from '../memory/region.js'
import { readFacts, type TableFacts } from '../table/space.js'
import { agreedCodec } from './agreed-codec.js'
import { checkNamedOptions, type OptionNames } from './arguments.js'
import {
  checkAttachOptions,
  checkCodec,
  checkInitialSize,
  MAP_OPTIONS,
  type MapOptions,
  tableFacts,
} from './options.js'
import { Transcoder } from './transcoder.js'

export interface OpenOptions<K, V> extends MapOptions<K, V> {
  /** 'open': it must be there; 'create': it must not. Default 'openOrCreate'. */
  readonly mode?: 'openOrCreate' | 'open' | 'create'
  /**
   * 'rw', the default. 'ro': the table must be there, is mapped without the right to store, and may be a served one; what
   * would write fails with READ_ONLY.
   */
  readonly access?: 'rw' | 'ro'
  /** What happens when the table that is there does not fit these options. 'recreate' makes an empty one in its place. */
  readonly onMismatch?: 'throw' | 'recreate'
  /**
   * Permissions of the files, and the most that others may have on them. Default 0o600: this user alone. With access 'ro':
   * 0o644 opens also the table of another user, who is then trusted, and 0o666 one that others may write.
   */
  readonly fileMode?: number
}

export const OPEN_OPTIONS: OptionNames<keyof OpenOptions<unknown, unknown> | keyof typeof MAP_OPTIONS> = {
  ...MAP_OPTIONS,
  mode: true,
  access: true,
  onMismatch: true,
  fileMode: true,
}

const DEFAULT_FILE_MODE = 0o600
const TEXT = codecs.string as unknown as Codec<never>

export class OpenTerms<K, V> {
  readonly name: string
  readonly options: OpenOptions<K, V>
  readonly facts: TableFacts
  readonly initialSize: number
  readonly fileMode: number
  readonly #keys: Codec<K> | undefined
  readonly #values: Codec<V> | undefined

  /** Throws TypeError or RangeError for options that cannot be. */
  constructor(name: string, options: OpenOptions<K, V>) {
    checkNamedOptions(options, 'open', "{ capacity: '64MiB' }", OPEN_OPTIONS)
    checkChoice(options.mode, 'mode', ['openOrCreate', 'open', 'create'])
    checkChoice(options.onMismatch, 'onMismatch', ['throw', 'recreate'])
    checkChoice(options.access, 'access', ['rw', 'ro'])
    this.name = name
    this.options = options
    this.fileMode = checkFileMode(options.fileMode)
    // Here, too: what cannot be must be said before there is a table.
    checkAttachOptions(options)
    this.#keys = checkCodec('keys', options.keys)
    this.#values = checkCodec('values', options.values)
    this.facts = tableFacts(
      options,
      new Transcoder(this.keys).codec.name,
      new Transcoder(this.values).codec.name,
    )
    this.initialSize = checkInitialSize(options.initialSize, this.facts.capacityBytes)
  }

  /** Of a table that is made by these terms. */
  get keys(): Codec<K> {
    return this.#keys ?? TEXT
  }

  get values(): Codec<V> {
    return this.#values ?? TEXT
  }

  /** The codecs of the table that is there. Throws OperationError MISMATCH if it is another than asked for. */
  agree(region: RegionView): { readonly keys: Codec<K>; readonly values: Codec<V> } {
    const facts = readFacts(region)
    const differences = this.#differences(facts)
    if (differences.length > 0) {
      throw new OperationError(
        'MISMATCH',
        `the table '${this.name}' is another than asked for: ${differences.join('; ')}. Leave out what the table ` +
          `knows, or ${this.#howToReplace()} to replace it by an empty one.`,
      )
    }
    return {
      keys: agreedCodec('keys', facts.keyCodec, this.#keys),
      values: agreedCodec('values', facts.valueCodec, this.#values),
    }
  }

  #howToReplace(): string {
    const { onMismatch, mode } = this.options
    return onMismatch === 'recreate' ? `leave out mode '${mode}'` : "give onMismatch: 'recreate'"
  }

  /** What the options name and the region has differently. */
  #differences(found: TableFacts): string[] {
    const { options, facts: asked } = this
    const differences: string[] = []
    const compare = (name: keyof MapOptions<K, V>, has: string | number, wants: string | number) => {
      if (options[name] !== undefined && has !== wants) differences.push(`${name} ${has}, asked for ${wants}`)
    }
    compare('keys', `'${found.keyCodec}'`, `'${asked.keyCodec}'`)
    compare('values', `'${found.valueCodec}'`, `'${asked.valueCodec}'`)
    compare('eviction', evictionName(found.eviction), evictionName(asked.eviction))
    compare('maxEntries', found.maxEntries, asked.maxEntries)
    compare('defaultTtlMs', found.defaultTtlMs, asked.defaultTtlMs)
    compare('stripes', 2 ** found.stripeBits, 2 ** asked.stripeBits)
    compare('capacity', formatSize(found.capacityBytes), formatSize(asked.capacityBytes))
    return differences
  }
}

function evictionName(eviction: number): string {
  return eviction === EVICTION.NONE ? "'none'" : "'clock'"
}

function checkChoice(value: unknown, name: string, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return
  const shown = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new TypeError(
    `${name} must be ${shown}, not ${typeof value === 'string' ? `'${value}'` : describe(value)}`,
  )
}

function checkFileMode(mode: number | undefined): number {
  if (mode === undefined) return DEFAULT_FILE_MODE
  if (Number.isInteger(mode) && (mode & 0o600) === 0o600 && (mode & ~0o666) === 0) return mode
  throw new RangeError(
    `fileMode must be 0o600 or that with read and write for group or others, not ${String(mode)}`,
  )
}
