/**
 * What `pm2 reload` does to an app in cluster mode, in so many lines: instances of one program share a port; a new one is
 * started for each old one, its `ready` awaited, and the old one told by SIGINT to stop. With pm2's patience: an instance
 * that does not go is killed.
 *
 * Only for tests, which drive it from the process that would be pm2's.
 */
import cluster, { type Address, type Worker } from 'node:cluster'
import { once } from 'node:events'

const KILL_AFTER_MS = 60_000

export class ReloadedApp {
  #instances: Worker[] = []
  /** Where it listens: with PORT=0 the system chooses, once for all instances. */
  port = 0
  /** Exit codes or signals of all who were stopped. */
  readonly endings: (number | string)[] = []

  /** Starts the program so many times; resolves when all are ready. */
  async start(program: string, instances: number, env: Readonly<Record<string, string>>): Promise<void> {
    cluster.setupPrimary({ exec: program, args: [] })
    this.#instances = await Promise.all(Array.from({ length: instances }, () => this.#startOne(env)))
  }

  /** One instance after the other is replaced by one with this environment. */
  async reload(env: Readonly<Record<string, string>>): Promise<void> {
    for (const [index, old] of this.#instances.entries()) {
      this.#instances[index] = await this.#startOne(env)
      await this.#stopOne(old)
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => this.#stopOne(instance)))
  }

  async #startOne(env: Readonly<Record<string, string>>): Promise<Worker> {
    const instance = cluster.fork(env)
    const ended = once(instance, 'exit').then(([code, signal]) => {
      throw new Error(`an instance ended with ${String(code ?? signal)} before it was ready`)
    })
    // It ends one day in any case.
    ended.catch(() => undefined)
    const listening = Promise.race([once(instance, 'listening'), ended])
    for (let message: unknown; message !== 'ready'; )
      [message] = (await Promise.race([once(instance, 'message'), ended])) as [unknown]
    const [{ port }] = (await listening) as [Address]
    this.port = port
    return instance
  }

  async #stopOne(instance: Worker): Promise<void> {
    const ended = once(instance, 'exit')
    instance.process.kill('SIGINT')
    const timer = setTimeout(() => instance.process.kill('SIGKILL'), KILL_AFTER_MS)
    const [code, signal] = (await ended) as [number | null, string | null]
    clearTimeout(timer)
    this.endings.push(code ?? signal ?? 'unknown')
  }
}
