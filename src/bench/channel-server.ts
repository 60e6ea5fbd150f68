/**
 * A server of the benchmark, in a process of its own: `ChannelServer` is the handle of who measures, the rest of this file
 * is the program of the process. It serves until its handle goes, or the process that holds it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Server } from '../server/server.js'
import { ChildError, childRequest } from './child.js'

export interface ChannelServerRequest {
  readonly name: string
  readonly laneWorkers: number
}

interface Answer {
  /** Processor time of all threads of the process until now. */
  readonly processorMs: number
}

const SELF_PATH = fileURLToPath(import.meta.url)
const CAPACITY = '256MiB'

export class ChannelServer {
  readonly name: string
  readonly #child: ChildProcess

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
  }

  /** Resolves when it is ready. */
  static async start(request: ChannelServerRequest, env: NodeJS.ProcessEnv): Promise<ChannelServer> {
    const child = fork(SELF_PATH, [JSON.stringify(request)], { env })
    const server = new ChannelServer(request.name, child)
    await server.#answer()
    return server
  }

  /** Processor time that it has used since it began. */
  processorMs(): Promise<number> {
    this.#child.send('processor')
    return this.#answer()
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  async #answer(): Promise<number> {
    const given = new AbortController()
    const options = { signal: given.signal }
    try {
      return await Promise.race([
        once(this.#child, 'message', options).then(([answer]) => (answer as Answer).processorMs),
        once(this.#child, 'exit', options).then(([code, signal]) => {
          throw new ChildError(`the server ended with ${String(signal ?? code)}`)
        }),
      ])
    } finally {
      given.abort()
    }
  }
}

async function serve({ name, laneWorkers }: ChannelServerRequest): Promise<void> {
  const server = await Server.start({ name, laneWorkers, capacity: CAPACITY, durability: 'off' })
  const answer = (): void => {
    const { user, system } = process.cpuUsage()
    process.send?.({ processorMs: (user + system) / 1000 } satisfies Answer)
  }
  process.on('message', answer)
  answer()
  await once(process, 'disconnect')
  await server.stop()
}

if (process.argv[1] === SELF_PATH) await serve(childRequest() as ChannelServerRequest)
