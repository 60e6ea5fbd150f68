/**
 * A named region as those have it who only read: mapped without the right to store, so that no bug of theirs can change
 * a word of it, and opened without the right to write, which they need not have.
 *
 * It takes no place among the participants and no lock; nobody waits for it and nobody needs to know of it. What it
 * cannot do follows: it settles no death, advances no time, and cannot mark a file retired that was removed by `rm`.
 *
 * Whose files are opened: see `openToRead` in region-file.ts. Whoever may write the file is trusted not to shorten it, for
 * that ends the process of whoever reads it.
 */
import { closeSync } from 'node:fs'
import { HEADER, REGION_ROLE, REGION_STATE } from './header.js'
import { KernelPresence } from './kernel-presence.js'
import type { MappedHandle } from './mapped-region.js'
import { mapSegments } from './mapping.js'
import type { Native } from './native.js'
import type { RegionView, Segment } from './region.js'
import { bootIdOf, leadsTo, openToRead, readFront, segmentBytesOf } from './region-file.js'
import type { RegionName } from './region-name.js'

export class ReadOnlyRegion implements RegionView {
  readonly segments: readonly Segment[]
  readonly name: RegionName
  /** For asking who lives; nothing can be claimed through it. */
  readonly presence: KernelPresence

  private constructor(name: RegionName, segments: readonly Segment[], descriptor: number, native: Native) {
    this.name = name
    this.segments = segments
    this.presence = new KernelPresence(native, descriptor)
  }

  /**
   * Opens the region of that name; undefined if there is none. It may have been retired. Throws OperationError REFUSED for
   * a file that is not to be trusted, MISMATCH for one that is no such region.
   */
  static open(native: Native, name: RegionName, fileMode: number): ReadOnlyRegion | undefined {
    const descriptor = openToRead(name.path, fileMode)
    if (descriptor === undefined) return undefined
    try {
      const segmentBytes = segmentBytesOf(name, descriptor, readFront(name, descriptor))
      const { segments } = mapSegments(native, descriptor, name.path, segmentBytes, 'read')
      return new ReadOnlyRegion(name, segments, descriptor, native)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  /** Whether its successor, or nobody, has the name now. */
  get isRetired(): boolean {
    return Atomics.load(this.segments[0]!.words, HEADER.state) !== REGION_STATE.READY
  }

  /** Whether its server still reads it from disk. */
  get isRecovering(): boolean {
    return Atomics.load(this.segments[0]!.words, HEADER.isRecovering) !== 0
  }

  /** Whether one process owns the table and alone changes it. */
  get isServed(): boolean {
    return this.segments[0]!.words[HEADER.role] === REGION_ROLE.SERVED
  }

  /** Tells this region from every other, also of the same name. */
  get id(): readonly number[] {
    return bootIdOf(this.segments[0]!.words)
  }

  /** Whether the name no longer leads to this region: retired, or its file removed by other means. */
  isOrphan(): boolean {
    const { descriptor } = this.presence
    return this.isRetired || descriptor < 0 || !leadsTo(this.name.path, descriptor)
  }

  share(): MappedHandle {
    return { kind: 'mapped', buffers: [], name: this.name.name, id: this.id, access: 'ro' }
  }

  /** The mapping itself ends when nothing refers to it any more. May be called again. */
  close(): void {
    this.presence.close()
  }
}
