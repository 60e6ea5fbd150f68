/**
 * A connection that gives back the bytes of one reply or message after the other: it knows where each ends, and so can talk
 * to a server inside MULTI, or listen.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net'

export class RedisTalk {
  readonly #socket: Socket
  #received = ''
  #isClosed = false
  #arrived: () => void = () => {}

  constructor(options: NetConnectOpts) {
    this.#socket = connect(options)
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#received += String(text)
      this.#arrived()
    })
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#arrived()
    })
  }

  /** Sends a command; resolves with the next reply. */
  reply(...command: readonly string[]): Promise<string> {
    this.send(...command)
    return this.next()
  }

  send(...command: readonly string[]): void {
    const parts = command.map((part) => `$${part.length}\r\n${part}\r\n`)
    this.#socket.write(Buffer.from(`*${command.length}\r\n${parts.join('')}`, 'latin1'))
  }

  /** The next reply or message, as it came; rejects when the connection is closed before. */
  async next(): Promise<string> {
    for (;;) {
      const end = endOfReply(this.#received, 0)
      if (end !== undefined) {
        const text = this.#received.slice(0, end)
        this.#received = this.#received.slice(end)
        return text
      }
      if (this.#isClosed) throw new Error('the connection was closed')
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  /** Resolves once the other side has closed. */
  async closed(): Promise<void> {
    while (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  /** For a peer that does not read. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Where the reply that begins at `at` ends; undefined if it is not all there. */
function endOfReply(text: string, at: number): number | undefined {
  const lineEnd = text.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const kind = text[at] ?? ''
  const count = Number(text.slice(at + 1, lineEnd))
  let end: number | undefined = lineEnd + 2
  if ('$='.includes(kind)) {
    if (count >= 0) end += count + 2
    return end <= text.length ? end : undefined
  }
  if (!'*>%~'.includes(kind)) return end
  for (let i = 0; i < (kind === '%' ? 2 * count : count) && end !== undefined; i++)
    end = endOfReply(text, end)
  return end
}
