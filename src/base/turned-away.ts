/**
 * Connections that a front has no room for: each is told so in one line, and closed once that may have been read. They are no
 * clients and count as none, but their sockets keep the thread: whoever stops the front ends them.
 */
import type { Socket } from 'node:net'

/** How long one may keep its half open. */
const LINGER_MS = 1000

export class TurnedAway {
  readonly #sockets = new Set<Socket>()

  /** Says `answer`, and closes. */
  add(socket: Socket, answer: string | Uint8Array): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    // What it has sent must be read, or the close would be a reset that overtakes the answer.
    socket.resume().end(answer, () => setTimeout(() => socket.destroy(), LINGER_MS).unref())
  }

  /** Closes all that are left at once. */
  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
