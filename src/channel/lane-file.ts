/**
 * A lane file: the memory that one client (a process, or a thread of the server's own process) shares with a server.
 *
 * Made by the server's main thread, which gives it the rows of the ledger that its lanes have, and the name if it is to be
 * a file of its own. Ready once its magic number stands, stored last. CLOSED in its state and in each lane: the server has
 * finished with it, and nobody will answer.
 *
 *   main thread    const row = ledger.open(shape.lanes)                      // -1: too many clients
 *                  const file = LaneFile.create({ shape, firstRow: row, serverId, client: pid, path })
 *                  post file.share() to each worker; wait until each has attached; tell the client `path`
 *   worker         laneWorker.attach(handle)
 *   client         LaneFile.open(path), or LaneFile.attach(handle) in the same process
 *   the end        file.close(); each worker: detach(file.id); ledger.close(row, shape.lanes); file.remove()
 *
 * The server and its workers go by the shape in the handle, never by what the file says, since clients can write there.
 */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { OperationError } from '../base/errors.js'
import type { Region } from '../memory/region.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Doorbell, doorbellPath } from './doorbell.js'
import {
  ASLEEP,
  FILE_STATE,
  LANE,
  LANE_FILE,
  LANE_MAGIC,
  LANE_STATE,
  LANE_VERSION,
  type LaneGeometry,
  type LaneShape,
  laneAt,
  laneGeometry,
  SLOT_STATE,
  slotsAt,
  stateWord,
} from './layout.js'
import { attachShared, MappedFile, type SharedHandle } from './mapped-file.js'

const SERVER_ID_WORDS = 4
const MOST_ID = 2 ** 47

export interface LaneFileOptions {
  readonly shape: LaneShape
  /** First of the ledger rows that were opened for its lanes. */
  readonly firstRow: number
  /** Four words that another server would not have. */
  readonly serverId: readonly number[]
  /** Process id of the client. */
  readonly client: number
  /** Of a file that is not there yet, for a client in another process; left out: for a thread of this process. */
  readonly path?: string
}

/** What a worker, or a client in the same process, needs: a structured clone. */
export interface LaneFileHandle {
  readonly id: number
  readonly firstRow: number
  readonly shape: LaneShape
  readonly region: SharedHandle
}

export class LaneFile {
  /** Names the file among all of a server. */
  readonly id: number
  readonly firstRow: number
  readonly geometry: LaneGeometry
  readonly region: Region
  /** Undefined where only threads of one process share it. */
  readonly path: string | undefined
  readonly #words: Int32Array

  private constructor(id: number, firstRow: number, geometry: LaneGeometry, region: Region) {
    this.id = id
    this.firstRow = firstRow
    this.geometry = geometry
    this.region = region
    this.path = region instanceof MappedFile ? region.path : undefined
    this.#words = region.segments[0]!.words
  }

  /** Throws RangeError for a shape that cannot be, OperationError FULL if there is no memory for it. */
  static create(options: LaneFileOptions): LaneFile {
    const { shape, firstRow, path } = options
    const geometry = laneGeometry(shape)
    const region =
      path === undefined
        ? SharedArrayRegion.create([geometry.fileBytes])
        : MappedFile.create(path, geometry.fileBytes)
    const file = new LaneFile(randomInt(1, MOST_ID), firstRow, geometry, region)
    try {
      file.#layOut(options)
    } catch (error) {
      file.remove()
      throw error
    }
    return file
  }

  /** In a worker, or in a client of the same process. */
  static attach(handle: LaneFileHandle): LaneFile {
    const region = attachShared(handle.region)
    const geometry = laneGeometry(handle.shape)
    if (region.segments[0]!.bytes.length !== geometry.fileBytes)
      throw new OperationError('MISMATCH', 'the lane file does not have the size that its server gave it.')
    return new LaneFile(handle.id, handle.firstRow, geometry, region)
  }

  /**
   * In a client of another process. Throws OperationError NO_SERVER if there is no such file, MISMATCH if it is none of
   * this release, REFUSED if it is not to be trusted.
   */
  static open(path: string): LaneFile {
    const region = MappedFile.open(path)
    if (region === undefined) throw new OperationError('NO_SERVER', `there is no lane file ${path}.`)
    const { words } = region.segments[0]!
    if (words.length < LANE_FILE.serverId || Atomics.load(words, LANE_FILE.magic) !== LANE_MAGIC)
      throw new OperationError('MISMATCH', `${path} is no lane file.`)
    if (words[LANE_FILE.version] !== LANE_VERSION)
      throw new OperationError(
        'MISMATCH',
        `the server speaks version ${words[LANE_FILE.version]} of lanes, this client version ${LANE_VERSION}: ` +
          'use the same release on both sides.',
      )
    const geometry = geometryIn(words, path)
    if (region.bytes !== geometry.fileBytes)
      throw new OperationError('MISMATCH', `${path} does not have the size that it says.`)
    return new LaneFile(0, 0, geometry, region)
  }

  share(): LaneFileHandle {
    const { lanes, window, slotBytes, transferBytes } = this.geometry
    return {
      id: this.id,
      firstRow: this.firstRow,
      shape: { lanes, window, slotBytes, transferBytes },
      region: this.region.share() as SharedHandle,
    }
  }

  /** The server it belongs to. */
  get serverId(): readonly number[] {
    return Array.from(this.#words.subarray(LANE_FILE.serverId, LANE_FILE.serverId + SERVER_ID_WORDS))
  }

  get isClosed(): boolean {
    return Atomics.load(this.#words, LANE_FILE.state) !== FILE_STATE.READY
  }

  /** The server has finished with it: its clients are told, and woken if they sleep. */
  close(): void {
    Atomics.store(this.#words, LANE_FILE.state, FILE_STATE.CLOSED)
    for (let lane = 0; lane < this.geometry.lanes; lane++) {
      const at = laneAt(this.geometry, lane)
      Atomics.store(this.#words, at + LANE.state, LANE_STATE.CLOSED)
      const asleep = Atomics.exchange(this.#words, at + LANE.asleep, ASLEEP.NO)
      this.region.notify(at + LANE.asleep)
      if (asleep === ASLEEP.IN_EVENT_LOOP && this.path !== undefined) ringOnce(doorbellPath(this.path, lane))
    }
  }

  /** Gives the memory of a closed file back: when no worker has it any more. A client that still does finds no open lane. */
  discard(): void {
    if (this.region instanceof MappedFile) this.region.discard()
  }

  /** Removes the names of a file of its own; the memory lives on while somebody maps it. */
  remove(): void {
    if (this.path === undefined) return
    rmSync(this.path, { force: true })
    for (let lane = 0; lane < this.geometry.lanes; lane++)
      rmSync(doorbellPath(this.path, lane), { force: true })
  }

  #layOut({ serverId, client }: LaneFileOptions): void {
    const words = this.#words
    const { lanes, window, ring, slotBytes, slotWords, transferBytes } = this.geometry
    words[LANE_FILE.version] = LANE_VERSION
    words[LANE_FILE.state] = FILE_STATE.READY
    words[LANE_FILE.lanes] = lanes
    words[LANE_FILE.window] = window
    words[LANE_FILE.slotBytes] = slotBytes
    words[LANE_FILE.transferBytes] = transferBytes
    words[LANE_FILE.client] = client
    for (let i = 0; i < SERVER_ID_WORDS; i++) words[LANE_FILE.serverId + i] = serverId[i] ?? 0
    for (let lane = 0; lane < lanes; lane++) {
      words[laneAt(this.geometry, lane) + LANE.state] = LANE_STATE.OPEN
      const first = slotsAt(this.geometry, lane)
      for (let slot = 0; slot < ring; slot++)
        words[first + slot * slotWords] = stateWord(slot - ring, SLOT_STATE.DONE)
      if (this.path !== undefined) Doorbell.create(doorbellPath(this.path, lane))
    }
    Atomics.store(words, LANE_FILE.magic, LANE_MAGIC)
  }
}

/** The shape that a file says it has. */
function geometryIn(words: Int32Array, path: string): LaneGeometry {
  try {
    return laneGeometry({
      lanes: words[LANE_FILE.lanes]!,
      window: words[LANE_FILE.window]!,
      slotBytes: words[LANE_FILE.slotBytes]!,
      transferBytes: words[LANE_FILE.transferBytes]!,
    })
  } catch (cause) {
    throw new OperationError('MISMATCH', `${path} has a shape that no lanes have.`, { cause })
  }
}

/** By the main thread, which keeps no doorbell open. */
function ringOnce(path: string): void {
  try {
    const doorbell = Doorbell.open(path)
    doorbell.ring()
    doorbell.close()
  } catch {
    // The name is gone: who sleeps there looks by itself within 50 ms.
  }
}
