/**
 * A redis-server of the benchmark's own: on 127.0.0.1, on a port that the system chose, with nothing on disk, in a folder
 * that goes with it. And how its clients are measured: each in a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ChildError, type ChildOptions, runChild } from './child.js'
import type { RedisClientName, RedisRequest, RedisResult } from './processes-redis-client.js'

const CLIENT_PATH = fileURLToPath(new URL('./processes-redis-client.js', import.meta.url))
/** Somebody else can take the port between the choice and the server's start. */
const MOST_TRIES = 5

/** A port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export class RedisServer {
  readonly port: number
  /** As it says itself. */
  readonly version: string
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #kill = (): void => {
    this.#child.kill()
  }

  private constructor(port: number, version: string, child: ChildProcess, folder: string) {
    this.port = port
    this.version = version
    this.#child = child
    this.#folder = folder
    process.once('exit', this.#kill)
  }

  /** Resolves when it takes connections. Rejects with one line where there is no redis-server. `parent` gets its folder. */
  static async start(settings: readonly string[] = [], parent = tmpdir()): Promise<RedisServer> {
    for (let tries = 1; ; tries++) {
      const folder = mkdtempSync(join(parent, 'hearth-bench-'))
      const port = await freePort()
      const flags = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--dir',
        folder,
        ...settings,
      ]
      const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'ignore'] })
      try {
        return new RedisServer(port, await readiness(child), child, folder)
      } catch (error) {
        rmSync(folder, { recursive: true, force: true })
        if (!(error instanceof ChildError) || tries === MOST_TRIES) throw error
      }
    }
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#child.kill()) await once(this.#child, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Fills the server if it is empty, and times awaited GETs, one after the other. */
  measure(
    client: RedisClientName,
    request: Omit<RedisRequest, 'client' | 'port'>,
    options: ChildOptions,
  ): Promise<RedisResult> {
    const asked: RedisRequest = { ...request, client, port: this.port }
    return runChild<RedisResult>(CLIENT_PATH, asked, options)
  }
}

/** Waits until the server is ready; its version. */
async function readiness(child: ChildProcess): Promise<string> {
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new Error('there is no redis-server on this machine', { cause })
  }
  let text = ''
  for await (const part of child.stdout ?? []) {
    text += String(part)
    if (!/ready to accept/i.test(text)) continue
    // It must not stop at a full pipe.
    child.stdout?.resume()
    return /version=([\d.]+)/i.exec(text)?.[1] ?? 'unknown'
  }
  throw new ChildError('redis-server did not start')
}
