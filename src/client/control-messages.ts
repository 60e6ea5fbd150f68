/**
 * What a client and its server say to each other over the registration socket: a JSON object a line.
 *
 *   client                          server
 *   hello: release, window ──────>
 *                          <──────  welcome: the region, the lane file      (or refused: why; and it hangs up)
 *   mapped                 ──────>                                          the file loses its name
 *
 * Then the connection stays: its end tells each side that the other is gone, whatever it died of. What goes over it from
 * then on is publish/subscribe: requests with an id, `done` or `failed` for each, and messages. Names and messages are
 * base64. Lines have bounds, and what is no such message ends the connection.
 */
import type { MappedHandle } from '../memory/mapped-region.js'

/** Of the messages and of what the lanes carry. Another number is another language. */
export const CONTROL_VERSION = 1
export const MAX_LINE_BYTES = 4096
/** Of what a client publishes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024
/** A line that publishes it: base64, and the longest name. */
export const MAX_REQUEST_LINE_BYTES = 2 * MAX_MESSAGE_BYTES

export interface Hello {
  readonly kind: 'hello'
  readonly version: number
  readonly release: string
  readonly process: number
  /** Most requests in flight. */
  readonly window: number
}

export interface Welcome {
  readonly kind: 'welcome'
  readonly region: MappedHandle
  /** Paths of the shared files of this client. */
  readonly laneFile: string
  readonly bellFile: string
}

export interface Refused {
  readonly kind: 'refused'
  readonly code: string
  readonly message: string
}

export interface Mapped {
  readonly kind: 'mapped'
}

interface Subscription {
  readonly id: number
  readonly subject: 'channel' | 'pattern'
  readonly name: string
}

/** What a client asks for later on. */
export type Request =
  | ({ readonly kind: 'subscribe' } & Subscription)
  | ({ readonly kind: 'unsubscribe' } & Subscription)
  | { readonly kind: 'publish'; readonly id: number; readonly name: string; readonly message: string }

/** What comes of that. */
export type Told =
  | { readonly kind: 'done'; readonly id: number; readonly value: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'message'; readonly name: string; readonly message: string; readonly pattern?: string }

export type ControlMessage = Hello | Welcome | Refused | Mapped | Request | Told

const LINE_FEED = 0x0a

/** Cuts a stream into messages. */
export class ControlReader {
  #rest: Buffer = Buffer.alloc(0)
  #maxLineBytes = MAX_LINE_BYTES

  /** From now on lines may be that long. */
  allow(maxLineBytes: number): void {
    this.#maxLineBytes = maxLineBytes
  }

  /**
   * The messages that `chunk` completes, one by one: what one of them brings about may be to `allow` the next. Throws RangeError or
   * SyntaxError for what cannot be one.
   */
  *read(chunk: Buffer): Generator<ControlMessage> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (let end = this.#lineEnd(); end >= 0 && end <= this.#maxLineBytes; end = this.#lineEnd()) {
      const line = this.#rest.toString('utf8', 0, end)
      this.#rest = this.#rest.subarray(end + 1)
      yield parse(line)
    }
    if (this.#rest.length > this.#maxLineBytes)
      throw new RangeError('a line on the registration socket is too long')
  }

  #lineEnd(): number {
    return this.#rest.indexOf(LINE_FEED)
  }
}

export function controlLine(message: ControlMessage): string {
  return `${JSON.stringify(message)}\n`
}

function parse(line: string): ControlMessage {
  const message = JSON.parse(line) as unknown
  if (typeof message !== 'object' || message === null) throw new RangeError('a message is an object')
  if (typeof (message as { kind?: unknown }).kind !== 'string') throw new RangeError('a message has a kind')
  return message as ControlMessage
}
