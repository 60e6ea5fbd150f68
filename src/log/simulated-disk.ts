/**
 * A disk in memory that remembers what has not been synced, so that a test can cut the power.
 *
 * Every file has two contents: the current one (what reads see, what a dying process leaves behind) and the durable
 * one, plus the list of changes between them. `crash` makes a new disk out of the durable contents and whichever
 * unsynced changes a `CrashPlan` lets through: each write kept, dropped or torn into sectors of 512 bytes, in any
 * order; each change of a name kept or dropped. `afterExit` is the milder case, a killed process.
 *
 * Faults are injected by the number of the call, counted over all calls or over those of one kind: an error of the
 * system, a short write, or the crash itself (from then on every call throws `SimulatedCrash`). A `sync` that fails
 * leaves its writes lost to later ones, as Linux does.
 *
 * Deterministic; one thread. Not for measuring anything.
 */
import { assert } from '../base/assert.js'
import type { CrashPlan } from './crash-plan.js'
import type { Disk, DiskFile, OpenMode } from './disk.js'
import { SECTOR_BYTES, SimulatedInode } from './simulated-inode.js'

export type DiskCall =
  | 'open'
  | 'read'
  | 'write'
  | 'preallocate'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'list'
  | 'syncDirectory'

export interface Fault {
  /** Which kind of call counts; all kinds if not given. */
  readonly call?: DiskCall
  /** The number of the first call that fails, from 1, counted from the injection on. */
  readonly at: number
  /** How many calls in a row fail. Default 1; Infinity for ever. */
  readonly times?: number
  /** The code of the error; `short`: half of a write happens; `crash`: the power goes before the call does anything. */
  readonly code: string
}

/** Thrown by every call after the power went. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
}

interface NameChange {
  readonly name: string
  /** The file the name now stands for; `undefined`: none. */
  readonly inode: SimulatedInode | undefined
  /** The name that goes in the same step. */
  readonly from?: string
}

function systemError(code: string, call: DiskCall): Error {
  return Object.assign(new Error(`${code}: simulated, ${call}`), { code })
}

export class SimulatedDisk implements Disk {
  readonly path = 'simulated'
  /** Bytes all files together may own. */
  capacityBytes = Infinity
  #names = new Map<string, SimulatedInode>()
  #durableNames = new Map<string, SimulatedInode>()
  #nameChanges: NameChange[] = []
  #faults: CountedFault[] = []
  #calls = 0
  #isCrashed = false

  /** Calls made so far. */
  get calls(): number {
    return this.#calls
  }

  /** Whether the power has gone. */
  get isCrashed(): boolean {
    return this.#isCrashed
  }

  /** Changes that a crash may undo. */
  get unsyncedChanges(): number {
    const inodes = new Set([...this.#names.values(), ...this.#durableNames.values()])
    return [...inodes].reduce((sum, inode) => sum + inode.unsyncedChanges, this.#nameChanges.length)
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, seen: 0 })
  }

  clearFaults(): void {
    this.#faults = []
  }

  /**
   * The disk as a killed process leaves it: everything that was called has happened, as all can see; but what was not
   * synced is not on disk for that, and a later loss of power may still undo it.
   */
  afterExit(): SimulatedDisk {
    const disk = new SimulatedDisk()
    const copies = new Map<SimulatedInode, SimulatedInode>()
    const copyOf = (inode: SimulatedInode): SimulatedInode => {
      const copy = copies.get(inode) ?? inode.copy()
      copies.set(inode, copy)
      return copy
    }
    for (const [name, inode] of this.#names) disk.#names.set(name, copyOf(inode))
    for (const [name, inode] of this.#durableNames) disk.#durableNames.set(name, copyOf(inode))
    disk.#nameChanges = this.#nameChanges.map((change) => ({
      ...change,
      inode: change.inode === undefined ? undefined : copyOf(change.inode),
    }))
    return disk
  }

  /** The disk after a loss of power, according to `plan`. */
  crash(plan: CrashPlan): SimulatedDisk {
    const names = new Map(this.#durableNames)
    for (const change of this.#nameChanges) {
      if (plan.fate() === 'drop') continue
      if (change.from !== undefined) names.delete(change.from)
      if (change.inode === undefined) names.delete(change.name)
      else names.set(change.name, change.inode)
    }
    const disk = new SimulatedDisk()
    const contents = new Map<SimulatedInode, Buffer>()
    for (const [name, inode] of names) {
      const after = contents.get(inode) ?? inode.contentsAfterCrash(plan)
      contents.set(inode, after)
      disk.put(name, after)
    }
    return disk
  }

  /** Places a durable file: the state a test begins with, or damage it does. */
  put(name: string, contents: Uint8Array): void {
    const inode = new SimulatedInode(contents)
    this.#names.set(name, inode)
    this.#durableNames.set(name, inode)
  }

  /** The current content of a file, a copy. */
  contents(name: string): Buffer {
    return this.#find(name, 'open').contents()
  }

  open(name: string, mode: OpenMode): DiskFile {
    this.#enter('open')
    if (mode === 'create') {
      if (this.#names.has(name)) throw systemError('EEXIST', 'open')
      const inode = new SimulatedInode(Buffer.alloc(0))
      this.#changeName({ name, inode })
      return this.#fileOf(inode)
    }
    return this.#fileOf(this.#find(name, 'open'))
  }

  rename(from: string, to: string): void {
    this.#enter('rename')
    this.#changeName({ name: to, inode: this.#find(from, 'rename'), from })
  }

  link(from: string, to: string): void {
    this.#enter('link')
    if (this.#names.has(to)) throw systemError('EEXIST', 'link')
    this.#changeName({ name: to, inode: this.#find(from, 'link') })
  }

  unlink(name: string): void {
    this.#enter('unlink')
    this.#find(name, 'unlink')
    this.#changeName({ name, inode: undefined })
  }

  list(): string[] {
    this.#enter('list')
    return [...this.#names.keys()].sort()
  }

  syncDirectory(): void {
    this.#enter('syncDirectory')
    this.#durableNames = new Map(this.#names)
    this.#nameChanges = []
  }

  #fileOf(inode: SimulatedInode): DiskFile {
    return {
      read: (target, position) => {
        this.#enter('read')
        return inode.read(target, position)
      },
      write: (source, position) => {
        const isShort = this.#enter('write') === 'short'
        const bytes = isShort ? source.subarray(0, source.length >>> 1) : source
        this.#claim(inode, position + bytes.length, 'write')
        inode.write(bytes, position)
        return bytes.length
      },
      preallocate: (from, to) => {
        this.#enter('preallocate')
        this.#claim(inode, to, 'preallocate')
        inode.write(Buffer.alloc(to - from), from)
      },
      truncate: (size) => {
        this.#enter('truncate')
        inode.truncate(size)
      },
      sync: () => {
        try {
          this.#enter('sync')
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) inode.loseUnsynced()
          throw error
        }
        inode.sync()
      },
      size: () => inode.size,
      isNamed: (name) => this.#names.get(name) === inode,
      close: () => {},
    }
  }

  /** Throws ENOSPC if the files would own more than the disk has. */
  #claim(inode: SimulatedInode, end: number, call: DiskCall): void {
    const grows = end - inode.size
    if (grows <= 0 || this.capacityBytes === Infinity) return
    const used = [...new Set(this.#names.values())].reduce((sum, each) => sum + each.size, 0)
    if (used + grows > this.capacityBytes) throw systemError('ENOSPC', call)
  }

  #find(name: string, call: DiskCall): SimulatedInode {
    const inode = this.#names.get(name)
    if (inode === undefined) throw systemError('ENOENT', call)
    return inode
  }

  #changeName(change: NameChange): void {
    if (change.from !== undefined) this.#names.delete(change.from)
    if (change.inode === undefined) this.#names.delete(change.name)
    else this.#names.set(change.name, change.inode)
    this.#nameChanges.push(change)
  }

  /** Counts a call and lets the faults decide about it. */
  #enter(call: DiskCall): 'whole' | 'short' {
    if (this.#isCrashed) throw new SimulatedCrash('the power is off')
    this.#calls++
    const due = this.#faults.filter((entry) => isDue(entry, call))
    const fault = due[0]?.fault
    if (fault === undefined) return 'whole'
    if (fault.code === 'short') return call === 'write' ? 'short' : 'whole'
    if (fault.code !== 'crash') throw systemError(fault.code, call)
    this.#isCrashed = true
    throw new SimulatedCrash('the power went')
  }
}

interface CountedFault {
  readonly fault: Fault
  /** Calls that counted so far. */
  seen: number
}

/** Counts a call, if it is of the fault's kind, and says whether the fault comes now. */
function isDue(entry: CountedFault, call: DiskCall): boolean {
  const { at, times = 1, call: kind = call } = entry.fault
  if (kind !== call) return false
  entry.seen++
  return entry.seen >= at && entry.seen < at + times
}

assert(SECTOR_BYTES === 512, 'a sector is what disks write in one piece')
