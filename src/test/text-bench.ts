/** A server of the line protocol on a port of its own, and plain sockets that talk to it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MapStore } from '../store/map-store.js'
import { DEFAULT_TEXT_LIMITS, type TextLimits } from '../text/limits.js'
import { TextServer } from '../text/server.js'
import type { TextService } from '../text/service.js'
import { StoreService } from '../text/store-service.js'

/** Runs `body` with a server on a port of its own. */
export async function withServer(
  service: TextService | (() => TextService),
  body: (port: number, server: TextServer) => Promise<void>,
  limits: Partial<TextLimits> = {},
): Promise<void> {
  const server = new TextServer(typeof service === 'function' ? service : () => service, {
    ...DEFAULT_TEXT_LIMITS,
    ...limits,
  })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  try {
    await body(port, server)
  } finally {
    await server.stop()
  }
}

export const mapService = (): StoreService => new StoreService(new MapStore())

/** A socket of a peer that speaks for itself. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends `text`, says that nothing more comes, and gives all that came back. */
export async function ask(port: number, text: string | Buffer): Promise<string> {
  const socket = await openSocket(port)
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  socket.end(text, 'latin1')
  await once(socket, 'close')
  return answer
}
