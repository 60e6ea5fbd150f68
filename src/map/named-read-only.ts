/**
 * Opening a named table for reading only: what `SharedMap.open` does for `access: 'ro'`.
 *
 * Nothing is made, replaced or locked, and no right to write is needed, neither on the file nor on its directory. So whoever
 * finds no table, or a retired one, while somebody else has the lock of the name, waits for what becomes of it.
 */
import { existsSync } from 'node:fs'
import { monotonicMs } from '../base/clock.js'
import { isOperationError, OperationError } from '../base/errors.js'
import type { Codec } from '../codec/codec.js'
import { Native } from '../memory/native.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { type OpenOptions, OpenTerms } from './open-terms.js'
import { checkLockTimeout } from './options.js'

interface ReadOnlyAttached<K, V> {
  readonly region: ReadOnlyRegion
  readonly keys: Codec<K>
  readonly values: Codec<V>
  readonly initialSize: number
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))
/** Making or replacing a table takes milliseconds. */
const LOOK_MS = 2

/** Opens the region as `options` say, and reads it with `join`. */
export function openReadOnly<K, V, Joined>(
  name: string,
  options: OpenOptions<K, V>,
  join: (attached: ReadOnlyAttached<K, V>) => Joined,
): Joined {
  const parsed = regionName(name)
  const terms = new OpenTerms(name, options)
  checkTerms(options)
  const native = Native.load()
  const deadlineMs = monotonicMs() + checkLockTimeout(options.lockTimeoutMs)
  for (;;) {
    const region = lookUp(native, parsed, terms.fileMode)
    if (region !== undefined) {
      try {
        if (region.isRecovering)
          throw new OperationError(
            'REFUSED',
            `'${name}' is being read from the data directory of its server: try again in a moment`,
          )
        return join({ region, ...terms.agree(region), initialSize: 0 })
      } catch (error) {
        region.close()
        // Retired since.
        if (!isOperationError(error, 'CLOSED')) throw error
      }
    }
    if (!existsSync(parsed.lockPath) || monotonicMs() > deadlineMs)
      throw new OperationError('MISMATCH', `there is no table '${name}'`)
    Atomics.wait(SLEEPER, 0, 0, LOOK_MS)
  }
}

function lookUp(native: Native, name: RegionName, fileMode: number): ReadOnlyRegion | undefined {
  const region = ReadOnlyRegion.open(native, name, fileMode)
  if (region?.isRetired !== true) return region
  region.close()
  return undefined
}

function checkTerms({ mode, onMismatch }: Pick<OpenOptions<unknown, unknown>, 'mode' | 'onMismatch'>): void {
  if (mode === 'create') throw new TypeError("a table cannot be created with access 'ro'")
  if (onMismatch === 'recreate') throw new TypeError("a table cannot be recreated with access 'ro'")
}
