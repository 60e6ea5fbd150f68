/**
 * A redis-server and a node side by side, each with one connection that sends a command and gives back the bytes of
 * its reply. The redis-server listens on a socket file in a folder of its own, keeps nothing on disk, and ends with
 * {@link RedisPeers.close}.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { startDurableNode, startPlainNode } from './unnamed-node.js'

/** Why tests that need a redis-server are skipped; false where there is one. */
export const NO_REDIS: string | false =
  spawnSync('redis-server', ['--version']).status === 0 ? false : 'there is no redis-server here'

const CAPACITY_BYTES = 16 * 2 ** 20

export class Peer {
  readonly #socket: Socket
  #received = ''
  #sent = 0
  #isClosed = false
  #arrived: () => void = () => {}

  constructor(options: NetConnectOpts) {
    this.#socket = connect(options)
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#received += String(text)
      this.#arrived()
    })
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#arrived()
    })
  }

  /** What comes back for a command, as it came: one reply, or none, or an error. */
  async reply(command: readonly string[]): Promise<string> {
    const mark = `mark ${this.#sent++}`
    const end = `$${mark.length}\r\n${mark}\r\n`
    this.#socket.write(Buffer.from(encoded(command) + encoded(['ECHO', mark]), 'latin1'))
    while (!this.#received.endsWith(end)) {
      if (this.#isClosed) throw new Error(`the connection was closed on ${JSON.stringify(command)}`)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    const text = this.#received.slice(0, -end.length)
    this.#received = ''
    return text
  }

  close(): void {
    this.#socket.destroy()
  }
}

function encoded(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`
}

export interface RedisPeers {
  readonly redis: Peer
  readonly hearth: Peer
  /** The redis-server's socket file. */
  readonly redisPath: string
  /** The node's port on 127.0.0.1. */
  readonly hearthPort: number
  close(): Promise<void>
}

/** `protocol` is spoken on both connections; `isDurable`: the node logs its writes, all of them ordered by one thread. */
export async function startRedisPeers(protocol: 2 | 3, isDurable = false): Promise<RedisPeers> {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-redis-'))
  const path = join(directory, 'socket')
  const flags = ['--port', '0', '--unixsocket', path, '--save', '', '--databases', '1', '--dir', directory]
  const server = spawn('redis-server', flags)
  // One left over would keep the whole file waiting.
  after(() => server.kill())
  const ended = once(server, 'exit')
  for await (const text of server.stdout) if (/ready to accept/i.test(String(text))) break
  const node = isDurable
    ? await startDurableNode(join(directory, 'data'), CAPACITY_BYTES, 2)
    : await startPlainNode({ socketWorkers: 1, capacity: CAPACITY_BYTES })
  const redis = new Peer({ path })
  const hearth = new Peer({ host: node.host, port: node.port })
  for (const peer of [redis, hearth]) await peer.reply(['HELLO', String(protocol)])
  return {
    redis,
    hearth,
    redisPath: path,
    hearthPort: node.port,
    close: async () => {
      redis.close()
      hearth.close()
      server.kill()
      await Promise.all([ended, node.stop()])
      rmSync(directory, { recursive: true })
    },
  }
}
