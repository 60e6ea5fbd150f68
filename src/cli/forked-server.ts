/**
 * The server that a client starts for itself (`-f`): a child process that serves a name until its input ends, so it ends
 * with the client, however that ends.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { CouldNotError } from './exit.js'

/** What bin/server serves, and bin/client asks, unless told otherwise. */
export const DEFAULT_ORIGINAL_NAME = 'kv'

/** bin/server of this checkout. */
export const DEFAULT_SERVER_PATH = fileURLToPath(new URL('../../bin/server', import.meta.url))

export interface ForkedServerOptions {
  readonly path: string
  readonly name: string
  readonly threads: number
  readonly tableSize: number
}

type Child = ChildProcessByStdio<Writable, Readable, null>

export class ForkedServer {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  /** Resolves when the server says that it is ready, which is its first line. */
  static async start({ path, name, threads, tableSize }: ForkedServerOptions): Promise<ForkedServer> {
    const flags = ['-n', String(threads), '-s', String(tableSize), '--name', name, '--until-input-ends']
    // A signal of the terminal reaches both: the client decides when its server ends.
    const child = spawn(path, flags, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    child.stdin.on('error', () => {})
    const ended = new Promise<never>((_, reject) => {
      child.on('error', (error) =>
        reject(new CouldNotError(`${path} could not be started: ${error.message}`)),
      )
      child.on('close', (code, signal) =>
        reject(new CouldNotError(`${path} ended with ${signal ?? `code ${code}`} before it was ready`)),
      )
    })
    await Promise.race([once(child.stdout, 'data'), ended])
    ended.catch(() => {})
    child.stdout.resume()
    return new ForkedServer(child)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'close')
    this.#child.stdin.end()
    await ended
  }
}
