/**
 * A durable node and its fronts as subjects: a Server in a process of its own (log-node.ts), with its data on the measured
 * disk, and clients of it in this process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from '../client/client.js'
import { RespClient } from '../client/resp-client.js'
import type { Durability } from '../server/server-options.js'
import type { DurableSubject } from './log-subject.js'

const NODE_PATH = fileURLToPath(new URL('./log-node.js', import.meta.url))

let started = 0

/** A node of the benchmark's own; it goes with this process. */
class BenchNode {
  readonly name: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #kill = (): void => {
    this.#child.kill('SIGKILL')
  }

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name
    this.port = port
    this.#child = child
    process.once('exit', this.#kill)
  }

  static async start(level: Durability, folder: string): Promise<BenchNode> {
    const name = `hearth-bench-${process.pid}-${++started}`
    const child = spawn(process.execPath, [NODE_PATH, name, level, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of child.stdout.setEncoding('utf8')) {
      child.stdout.resume()
      return new BenchNode(name, Number(line), child)
    }
    throw new Error('the node did not start')
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
    process.off('exit', this.#kill)
  }
}

/** Sets by promises of one Client, in a window of its own. */
export function clientSubject(level: Durability): DurableSubject {
  return {
    name: `Hearth Client, promises, ${level}`,
    open: async (folder) => {
      const node = await BenchNode.start(level, folder)
      const client = await Client.connect(node.name, { window: 512 })
      return {
        set: (key, value) => client.set(key, value),
        close: async () => {
          await client.close()
          await node.stop()
        },
      }
    },
  }
}

/** Sets that block, one at a time. */
export function blockingSubject(level: Durability): DurableSubject {
  return {
    name: `Hearth Client, blocking, ${level}`,
    mostInFlight: 1,
    open: async (folder) => {
      const node = await BenchNode.start(level, folder)
      const client = await Client.connect(node.name)
      return {
        set: async (key, value) => {
          client.sync.set(key, value)
        },
        close: async () => {
          await client.close()
          await node.stop()
        },
      }
    },
  }
}

/** Sets over one pipelined connection. */
export function nodeRespSubject(level: Durability): DurableSubject {
  return {
    name: `Hearth Redis protocol, ${level}`,
    open: async (folder) => {
      const node = await BenchNode.start(level, folder)
      const client = await RespClient.connect('127.0.0.1', node.port)
      return {
        set: (key, value) => client.call('SET', key, value),
        close: async () => {
          await client.close()
          await node.stop()
        },
      }
    },
  }
}
