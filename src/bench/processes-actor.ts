/**
 * One process of the benchmark of processes, told by messages what to do: the first opens and fills a table, the others
 * attach to it, and whoever is asked makes its share of an operation, says so, and runs it when told. All clocks are the
 * system's monotonic one, so times of several processes can be laid side by side.
 *
 * Its request (on the command line) is an {@link ActorRequest}, its messages are {@link ActorTask}s, each answered by one.
 */
import { childRequest } from './child.js'
import type { BenchTable, Contender, OpenContender } from './contender.js'
import { runPass } from './pass.js'
import { StartLine, startLineMemory } from './start-line.js'
import { loadUntimed, runShare } from './timed-loop.js'
import { makeShare, type Operation, type Share, type Workload } from './workload.js'

export type ActorContender = 'named' | 'threads' | 'lmdb'

export interface ActorRequest {
  readonly contender: ActorContender
  readonly workload: Workload
}

export type ActorTask =
  | { readonly task: 'fill' }
  | { readonly task: 'attach'; readonly handle: unknown }
  | {
      readonly task: 'prepare'
      readonly operation: Operation
      /** Which part of the operation, of how many. */
      readonly part: number
      readonly parts: number
    }
  | { readonly task: 'run' }
  | { readonly task: 'close' }

export type ActorAnswer =
  | { readonly handle: unknown }
  | { readonly startNs: string; readonly endNs: string; readonly processorUs: number }
  | Record<string, never>

const WARM_UP_KEYS = 30_000
/** Several tables: code compiled for the only table of a process is thrown away when the second one is made. */
const WARM_UPS = 3

async function loadActorContender(name: ActorContender): Promise<Contender> {
  switch (name) {
    case 'named':
      return (await import('./processes-named.js')).named
    case 'threads':
      return (await import('./contenders/hearth.js')).hearth
    case 'lmdb':
      return (await import('./contenders/lmdb.js')).lmdb
  }
}

class BenchActor {
  readonly #contender: Contender
  readonly #workload: Workload
  #open: OpenContender | undefined
  #table: BenchTable | undefined
  #share: Share | undefined

  constructor(contender: Contender, workload: Workload) {
    const { timedReads, timedWrites } = contender
    this.#contender = contender
    this.#workload = { ...workload, timedReads, timedWrites }
  }

  warmUp(): void {
    const workload = { ...this.#workload, keys: Math.min(WARM_UP_KEYS, this.#workload.keys) }
    for (let turn = 0; turn < WARM_UPS; turn++) {
      const open = this.#contender.open(workload)
      runPass(open.table, workload, 0, 1, new StartLine(startLineMemory(1)), () => {})
      open.close()
    }
  }

  do(asked: ActorTask): ActorAnswer {
    switch (asked.task) {
      case 'fill':
        return { handle: this.#fill() }
      case 'attach':
        this.#table = this.#contender.attach(asked.handle)
        return {}
      case 'prepare':
        this.#share = undefined
        this.#share = makeShare(asked.operation, this.#workload, asked.part, asked.parts)
        globalThis.gc?.()
        return {}
      case 'run':
        return this.#run()
      case 'close':
        this.#open?.close()
        return {}
    }
  }

  #fill(): unknown {
    this.#open = this.#contender.open(this.#workload)
    this.#table = this.#open.table
    const share = makeShare('set-new', { ...this.#workload, timedWrites: 0 }, 0, 1)
    loadUntimed(this.#table, share)
    runShare(this.#table, share)
    return this.#open.handle
  }

  #run(): ActorAnswer {
    const [table, share] = [this.#table, this.#share]
    if (table === undefined || share === undefined) throw new Error('there is nothing to run yet')
    const before = process.cpuUsage()
    const startNs = process.hrtime.bigint()
    const sum = runShare(table, share)
    const endNs = process.hrtime.bigint()
    const { user, system } = process.cpuUsage(before)
    if (sum !== share.expectedSum)
      throw new Error(`${share.operation} read ${sum} where ${share.expectedSum} was stored`)
    return { startNs: startNs.toString(), endNs: endNs.toString(), processorUs: user + system }
  }
}

const { contender, workload } = childRequest() as ActorRequest
const actor = new BenchActor(await loadActorContender(contender), workload)
actor.warmUp()
process.on('message', (asked: ActorTask) => {
  process.send?.(actor.do(asked))
  if (asked.task === 'close') process.disconnect()
})
process.send?.({})
