/**
 * What a server does for those who come by lanes: gives each client a lane file, has all workers serve it, and takes it
 * back when the client has gone. Clients of other processes get a file by its path, those of this one shared memory.
 *
 * A client's going is known by the end of its connection (control-server.ts) or by `left`; only then are its lanes closed,
 * put down by every worker, and its rows free for the next one. On the main thread of the server.
 */
import { isOperationError, OperationError } from '../base/errors.js'
import { MIB } from '../base/limits.js'
import type { Bell } from '../channel/bell.js'
import { LaneFile } from '../channel/lane-file.js'
import { DEFAULT_LANE_SHAPE, MAX_WINDOW } from '../channel/layout.js'
import type { Ledger } from '../channel/ledger.js'
import type { MappedRegion } from '../memory/mapped-region.js'
import { bellPath, lanePath } from '../memory/served-files.js'
import type { Admission, Admitted, Applicant } from './control-server.js'
import type { LaneWorkers } from './lane-workers.js'
import type { ThreadBus } from './thread-bus.js'

/** All connections of a socket worker share its lane, and a long reply of one holds the others up for as long as it takes. */
const THREAD_TRANSFER_BYTES = 4 * MIB

export interface LaneHostOptions {
  readonly bell: Bell
  readonly ledger: Ledger
  readonly bus: ThreadBus
  readonly workers: LaneWorkers
  /** Four words that no other server has. */
  readonly serverId: readonly number[]
  /** The served region, if it has a name. */
  readonly region: MappedRegion | undefined
}

/** Lanes of a client in this process. */
export interface LocalLanes {
  readonly file: LaneFile
  /** The client has gone. */
  left(): void
}

export class LaneHost implements Admission {
  readonly #options: LaneHostOptions
  readonly #files = new Map<number, LaneFile>()
  readonly #hangUps = new Map<number, () => void>()
  /** Of clients that have gone. */
  readonly #releases = new Set<Promise<void>>()
  #nextNumber = 1
  #isStopping = false
  /** Files of threads of the server itself. */
  #own = 0

  constructor(options: LaneHostOptions) {
    this.#options = options
  }

  get bus(): ThreadBus {
    return this.#options.bus
  }

  /** Clients that have lanes now. */
  get clients(): number {
    return this.#files.size - this.#own
  }

  async admit(client: Applicant, hangUp: () => void): Promise<Admitted> {
    const { region } = this.#options
    if (region === undefined) throw new OperationError('REFUSED', 'this server has no name')
    // Lanes of those who have gone come back when every worker has put them down: in a moment.
    while (this.#releases.size > 0 && this.#isFull()) await Promise.race(this.#releases)
    const file = this.#make(client.window, client.process, lanePath(region.name, this.#nextNumber++))
    this.#hangUps.set(file.id, hangUp)
    try {
      await this.#options.workers.attach(file.share())
    } catch (error) {
      this.#release(file, true)
      throw error
    }
    const welcome = {
      kind: 'welcome',
      region: region.share(),
      laneFile: file.path!,
      bellFile: bellPath(region.name),
    } as const
    return { welcome, mapped: () => file.remove(), left: (byItself) => this.#release(file, byItself) }
  }

  /** Lanes for a client on this thread, at once: what it asks before the workers serve them waits there. */
  join(window: number): LocalLanes {
    return this.#join(window, DEFAULT_LANE_SHAPE.transferBytes)
  }

  #join(window: number, transferBytes: number): LocalLanes {
    const file = this.#make(window, process.pid, undefined, transferBytes)
    // One that fails is a server that stops, which closes the file.
    this.#options.workers.attach(file.share()).catch(() => {})
    return { file, left: () => this.#release(file, true) }
  }

  /** Lanes for a thread of the server itself, as long as it runs. */
  joinThread(window: number): LaneFile {
    const { file } = this.#join(window, THREAD_TRANSFER_BYTES)
    this.#own++
    return file
  }

  /** A client wrote what it must not: its lane is closed already, now it goes altogether. */
  hangUp(fileId: number): void {
    this.#hangUps.get(fileId)?.()
  }

  /** Closes all lanes: clients are told at once. Workers may have ended or not. */
  close(): void {
    this.#isStopping = true
    for (const file of this.#files.values()) {
      file.close()
      file.remove()
    }
    this.#files.clear()
    this.#own = 0
    this.#hangUps.clear()
  }

  #make(
    window: number,
    client: number,
    path: string | undefined,
    transferBytes = DEFAULT_LANE_SHAPE.transferBytes,
  ): LaneFile {
    if (this.#isStopping) throw new OperationError('CLOSED', 'the server stops')
    if (!Number.isInteger(window) || window < 1 || window > MAX_WINDOW)
      throw new RangeError(`window must be a whole number from 1 to ${MAX_WINDOW}, not ${window}`)
    const { ledger, serverId } = this.#options
    const shape = { ...DEFAULT_LANE_SHAPE, window, transferBytes }
    const firstRow = ledger.open(shape.lanes)
    if (firstRow < 0)
      throw new OperationError(
        'REFUSED',
        `this server has its ${ledger.rows} clients: close some, or start it with more maxClients`,
      )
    try {
      const where = path === undefined ? {} : { path }
      const file = LaneFile.create({ shape, firstRow, serverId, client, ...where })
      this.#files.set(file.id, file)
      return file
    } catch (error) {
      ledger.close(firstRow, shape.lanes)
      throw error
    }
  }

  /** `hasGone`: nobody looks into the file any more. One who was hung up on may, and must not find the memory gone. */
  #release(file: LaneFile, hasGone: boolean): void {
    if (!this.#files.delete(file.id)) return
    this.#hangUps.delete(file.id)
    file.close()
    file.remove()
    const { workers, ledger } = this.#options
    const release = workers.detach(file.id).then(
      () => {
        // Its mappings end when each worker's collector comes by, and there may be many clients until then.
        if (hasGone) file.discard()
        ledger.close(file.firstRow, file.geometry.lanes)
        this.#releases.delete(release)
      },
      // The workers have ended, and the ledger with them.
      (error: unknown) => {
        this.#releases.delete(release)
        if (!isOperationError(error)) throw error
      },
    )
    this.#releases.add(release)
  }

  #isFull(): boolean {
    const { ledger } = this.#options
    return ledger.used + DEFAULT_LANE_SHAPE.lanes > ledger.rows
  }
}
