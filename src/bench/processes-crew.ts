/**
 * Some processes of one contender on one table: the first opens and fills it, the others attach. An operation is run by
 * any of them, each its part, all told at once when every one is ready; its time is from the first start to the last end.
 *
 * A process that fails or takes too long rejects what was asked, with one line that says why.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ChildError } from './child.js'
import type { ActorAnswer, ActorContender, ActorRequest, ActorTask } from './processes-actor.js'
import { type Operation, timedOperations, type Workload } from './workload.js'

const ACTOR_PATH = fileURLToPath(new URL('./processes-actor.js', import.meta.url))
/** For a million key strings and values, and lmdb's. */
const HEAP_MIB = 4096

/** Of all who took part together. */
export interface RunTimes {
  /** From the first start to the last end. */
  readonly nsPerOperation: number
  /** What the processor worked for it, whoever else it worked for meanwhile. */
  readonly processorNsPerOperation: number
}

interface Times {
  readonly startNs: string
  readonly endNs: string
  readonly processorUs: number
}

class Member {
  readonly #child: ChildProcess
  readonly #timeoutMs: number
  #stderr = ''

  constructor(request: ActorRequest, env: NodeJS.ProcessEnv, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#child = fork(ACTOR_PATH, [JSON.stringify(request)], {
      env,
      execArgv: ['--expose-gc', `--max-old-space-size=${HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
  }

  /** Its next answer. */
  async answer(): Promise<ActorAnswer> {
    const given = new AbortController()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#timeoutMs)
    const options = { signal: given.signal }
    try {
      return await Promise.race([
        once(this.#child, 'message', options).then(([message]) => message as ActorAnswer),
        once(this.#child, 'close', options).then(([code, signal]) => {
          throw new ChildError(this.#complaint() ?? `ended with ${String(signal ?? code)}`)
        }),
      ])
    } finally {
      clearTimeout(timer)
      given.abort()
    }
  }

  ask(task: ActorTask): Promise<ActorAnswer> {
    const answer = this.answer()
    this.#child.send(task)
    return answer
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  #complaint(): string | undefined {
    return this.#stderr.split('\n').find((line) => /^\S*(Error|FATAL)\b/.test(line))
  }
}

export interface CrewOptions {
  readonly contender: ActorContender
  readonly workload: Workload
  readonly processes: number
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
}

export class Crew {
  readonly #workload: Workload
  readonly #members: readonly Member[]

  private constructor(workload: Workload, members: readonly Member[]) {
    this.#workload = workload
    this.#members = members
  }

  /** Starts the processes; when it resolves, the table is full and all have read it once. `timed`: parts that are timed. */
  static async start(options: CrewOptions, timed: { reads: number; writes: number }): Promise<Crew> {
    const { contender, workload, processes, env, timeoutMs } = options
    const members = Array.from(
      { length: processes },
      () => new Member({ contender, workload }, env, timeoutMs),
    )
    const crew = new Crew({ ...workload, timedReads: timed.reads, timedWrites: timed.writes }, members)
    try {
      await Promise.all(members.map((member) => member.answer()))
      const [first, ...others] = members
      const filled = await first?.ask({ task: 'fill' })
      const handle = filled !== undefined && 'handle' in filled ? filled.handle : undefined
      for (const member of others) await member.ask({ task: 'attach', handle })
      // A process pays once for each page that it meets for the first time.
      for (let place = 1; place < processes; place++) await crew.run('get', [place])
      return crew
    } catch (error) {
      await crew.end()
      throw error
    }
  }

  /** Runs the operation by the processes of these places. */
  async run(operation: Operation, places: readonly number[]): Promise<RunTimes> {
    const members = places.flatMap((place) => this.#members[place] ?? [])
    const parts = members.length
    await Promise.all(members.map((member, part) => member.ask({ task: 'prepare', operation, part, parts })))
    const times = (await Promise.all(members.map((member) => member.ask({ task: 'run' })))) as Times[]
    const startNs = Math.min(...times.map((time) => Number(time.startNs)))
    const endNs = Math.max(...times.map((time) => Number(time.endNs)))
    const operations = timedOperations(operation, this.#workload)
    const processorUs = times.reduce((sum, time) => sum + time.processorUs, 0)
    return {
      nsPerOperation: (endNs - startNs) / operations,
      processorNsPerOperation: (1000 * processorUs) / operations,
    }
  }

  /** The table goes with its processes. */
  async close(): Promise<void> {
    try {
      for (const member of [...this.#members].reverse()) await member.ask({ task: 'close' })
    } finally {
      await this.end()
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end()))
  }
}
