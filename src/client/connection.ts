/**
 * How a client gets to a server: by its name, through the registration socket, in whatever process it is; or to one of
 * this process, which hands out what is needed itself (server.ts).
 */
import { OperationError } from '../base/errors.js'
import { Bell } from '../channel/bell.js'
import { LaneFile } from '../channel/lane-file.js'
import { Native } from '../memory/native.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import type { RegionView } from '../memory/region.js'
import type { RegionName } from '../memory/region-name.js'
import { isServed } from '../store/served-region.js'
import { CONTROL_VERSION } from './control-messages.js'
import { ControlSocket } from './control-socket.js'
import type { Messenger } from './messenger.js'

/** What is needed of a server. */
export interface Connection {
  readonly file: LaneFile
  readonly bell: Bell
  readonly region: RegionView
  readonly messenger: Messenger
  isServerAlive(): boolean
  /** Everything that lies in files has been opened. */
  mapped(): void
  /** Calls `listener` once when the server has gone, or this end was closed. */
  onGone(listener: () => void): void
  /** Whether the connection keeps the process alive (at first it does not), and whether what it was asked for does. */
  setReferenced(isReferenced: boolean, areCallsReferenced: boolean): void
  /** The client has gone; `why` is what is said to who still waits for something. */
  close(why?: OperationError): void
}

export interface Connector {
  /** Throws OperationError. */
  connect(window: number, timeoutMs: number): Promise<Connection>
}

const FILE_MODE = 0o600

/** To the server of that name. */
export function connectorTo(name: RegionName, release: string): Connector {
  return {
    connect: async (window, timeoutMs) => {
      // Said before anything is asked, where named tables cannot be had.
      const native = Native.load()
      const hello = {
        kind: 'hello',
        version: CONTROL_VERSION,
        release,
        process: process.pid,
        window,
      } as const
      const { control, welcome } = await ControlSocket.open(name, hello, timeoutMs)
      try {
        const file = LaneFile.open(welcome.laneFile)
        const bell = Bell.attach({ kind: 'file', path: welcome.bellFile })
        return overSocket(control, openRegion(native, name, welcome.region.id), file, bell)
      } catch (error) {
        control.close()
        throw error
      }
    },
  }
}

function openRegion(native: Native, name: RegionName, id: readonly number[]): ReadOnlyRegion {
  const region = ReadOnlyRegion.open(native, name, FILE_MODE)
  if (region !== undefined && region.id.join() === id.join()) return region
  region?.close()
  throw new OperationError('NO_SERVER', `the server of '${name.name}' went away while this client registered`)
}

function overSocket(control: ControlSocket, region: ReadOnlyRegion, file: LaneFile, bell: Bell): Connection {
  return {
    file,
    bell,
    region,
    messenger: control.messenger,
    isServerAlive: () => isServed(region.presence),
    mapped: () => control.confirm(),
    onGone: (listener) => control.onGone(listener),
    setReferenced: (isReferenced, areCallsReferenced) => {
      control.referToAsked(areCallsReferenced)
      if (isReferenced) control.ref()
      else control.unref()
    },
    close: (why) => {
      region.close()
      control.close(why)
    },
  }
}
