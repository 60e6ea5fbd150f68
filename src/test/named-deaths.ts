/**
 * Deaths between the calls of the system by which a name changes hands: an act is cut off before its n-th call, and its
 * descriptors are closed, which is what the system does at a death. Whatever its `finally` and `catch` try comes to
 * nothing. Then others go on, who may die as well.
 *
 * All play in one process, one after the other: thousands of deaths take seconds, and kernel locks do not mind, since
 * they belong to descriptors. That real processes die the same way is the business of named-processes.test.ts.
 *
 * What counts as a call: every one that changes something, and every lock. Looking changes nothing.
 */
import { strict as assert } from 'node:assert'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { codecs, isOperationError, SharedMap } from '../index.js'
import { openNamed, unlinkNamed } from '../map/named.js'
import { Native } from '../memory/native.js'

const FILE_CALLS = [
  'openSync',
  'closeSync',
  'linkSync',
  'rmSync',
  'unlinkSync',
  'writeSync',
  'ftruncateSync',
  'fchmodSync',
] as const
const NATIVE_CALLS = ['map', 'allocate', 'lockByte', 'unlockByte'] as const
const CAPACITY = '64KiB'
const FOREVER = Number.POSITIVE_INFINITY

/** What somebody does to a name. `open elsewhere` creates another one, and on its way tidies up after this one. */
export const NAME_ACTS = ['create', 'recreate', 'unlink', 'open elsewhere'] as const
export type NameAct = (typeof NAME_ACTS)[number]

/** An act, and how many calls it may make before it dies. */
export type MortalAct = readonly [act: NameAct, calls: number]

/** What a dead one is stopped by. No subclass of Error: nothing may take it for a failure that it knows. */
class Stop {}

type Call = (...values: unknown[]) => unknown

/** The calls of whoever is on stage. Installed for the length of one act, so that nobody else's are counted. */
class Stage {
  readonly #open = new Set<number>()
  readonly #files: Record<string, Call> = {}
  readonly #natives: Record<string, Call> = {}
  #left: number
  #isDead = false

  constructor(calls: number) {
    this.#left = calls
  }

  /** True if the act came to its end, false if it died on the way. */
  play(act: () => void): boolean {
    this.#install()
    try {
      act()
    } catch (error) {
      if (!(error instanceof Stop)) throw error
    } finally {
      this.#remove()
    }
    // The system's part. Who ended well closes what it has open, too: its process ends.
    for (const descriptor of this.#open) fs.closeSync(descriptor)
    return !this.#isDead
  }

  #step(): void {
    if (this.#left === 0) this.#isDead = true
    if (this.#isDead) throw new Stop()
    this.#left--
  }

  #install(): void {
    const step = () => this.#step()
    const files = fs as unknown as Record<string, Call>
    for (const name of FILE_CALLS) {
      const call = files[name]!
      this.#files[name] = call
      files[name] = (...values) => {
        step()
        const result = call(...values)
        if (name === 'openSync') this.#open.add(result as number)
        if (name === 'closeSync') this.#open.delete(values[0] as number)
        return result
      }
    }
    const natives = Native.prototype as unknown as Record<string, Call>
    for (const name of NATIVE_CALLS) {
      const call = natives[name]!
      this.#natives[name] = call
      natives[name] = function (this: unknown, ...values) {
        step()
        return call.apply(this, values)
      }
    }
    syncBuiltinESMExports()
  }

  #remove(): void {
    Object.assign(fs, this.#files)
    Object.assign(Native.prototype, this.#natives)
    syncBuiltinESMExports()
  }
}

export class NameDeaths {
  readonly #directory: string
  trials = 0

  constructor(directory: string) {
    Native.load()
    this.#directory = directory
  }

  /** How many calls an act makes when nobody died before: it is cut off at each of them. */
  everyDeath(act: NameAct): number {
    for (let calls = 0; ; calls++) if (this.run([[act, calls]])[0] === true) return calls
  }

  /** After a death of `first` at its n-th call, deaths of `second` at each of its own. */
  everySecondDeath(first: MortalAct, second: NameAct): void {
    for (let calls = 0; ; calls++) if (this.run([first, [second, calls]])[1] === true) return
  }

  /** Runs the acts, then has somebody who lives use the name; returns which acts came to their end. */
  run(acts: readonly MortalAct[]): boolean[] {
    const name = `n${this.trials++}`
    const story = acts.map(([act, calls]) => `${act} ${calls}`).join(', ')
    try {
      const witness = acts[0]?.[0] === 'create' ? undefined : openWitness(name)
      const ended = acts.map(([act, calls]) => new Stage(calls).play(() => this.#do(act, name)))
      this.#goOn(name, witness)
      witness?.map.close()
      return ended
    } catch (error) {
      throw new Error(`[${story}]: ${error instanceof Stop ? 'a call came after the end' : String(error)}`, {
        cause: error,
      })
    }
  }

  #do(act: NameAct, name: string): void {
    if (act === 'unlink') {
      unlinkNamed(name)
      return
    }
    const asked = act === 'open elsewhere' ? `${name} elsewhere` : name
    const other = act === 'recreate' ? { values: codecs.json(), onMismatch: 'recreate' as const } : {}
    // Joined by nobody: what a death within the memory leaves is tried elsewhere (death-mapped.test.ts).
    openNamed<string, unknown, void>(asked, { capacity: CAPACITY, ...other }, () => {})
  }

  #goOn(name: string, witness: Witness | undefined): void {
    const found = openAny(name)
    found.set('k', 'new')
    assert.equal(found.get('k'), 'new')
    found.check()
    // Either it is the table that all see, or it says that it is not: nobody goes on with a dead one.
    if (witness !== undefined) {
      const isSame = witness.handle === JSON.stringify(found.share().region)
      assert.equal(
        lookAt(witness.map),
        isSame ? 'new' : 'CLOSED',
        'who has the old table knows whether it still is',
      )
    }
    assert.equal(SharedMap.unlink(name), true)
    assert.equal(lookAt(found), 'CLOSED')
    found.close()
    SharedMap.unlink(`${name} elsewhere`)
    const left = fs.readdirSync(this.#directory).filter((file) => file.includes(`-${name}`))
    assert.deepEqual(left, [], 'nothing is left of the name')
  }
}

/** Somebody who has the table that is there before, and lives throughout. */
interface Witness {
  readonly map: SharedMap<string, string>
  /** Tells its table from others. */
  readonly handle: string
}

function openWitness(name: string): Witness {
  const map = SharedMap.open(name, { capacity: CAPACITY })
  map.set('k', 'old')
  return { map, handle: JSON.stringify(map.share().region) }
}

/** The table of that name, whatever its codec. */
function openAny(name: string): SharedMap<string, string> {
  try {
    return SharedMap.open(name, { capacity: CAPACITY })
  } catch (error) {
    if (!isOperationError(error, 'MISMATCH')) throw error
    return SharedMap.open<string, string>(name, { capacity: CAPACITY, values: codecs.json<string>() })
  }
}

function lookAt(map: SharedMap<string, string>): string | undefined {
  try {
    return map.get('k')
  } catch (error) {
    if (!isOperationError(error)) throw error
    return error.code
  }
}

/** Everything there is: each act cut off at each call, and after each of these each act cut off at each call. */
export function everyNameDeath(deaths: NameDeaths, tell: (line: string) => void): void {
  for (const first of NAME_ACTS) {
    const calls = deaths.everyDeath(first)
    for (let n = 0; n <= calls; n++)
      for (const second of NAME_ACTS) deaths.everySecondDeath([first, n === calls ? FOREVER : n], second)
    tell(`${first}: ${calls} calls, ${deaths.trials} trials in all`)
  }
}
