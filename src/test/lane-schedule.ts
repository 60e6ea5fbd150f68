/**
 * Clients and workers at lanes, step by step: which shared access comes next is chosen by a plan (schedule-baton.ts), on an
 * instrumented copy of the channel. A lane file, bell and ledger serve thousands of schedules: their bytes are put back.
 *
 * After each: every client had its replies, nothing was carried out twice or out of order, nobody threw, and nobody slept
 * until a timeout: so no wake-up was missed.
 */
import { strict as assert } from 'node:assert'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { Bell } from '../channel/bell.js'
import { LaneFile } from '../channel/lane-file.js'
import type { LaneShape } from '../channel/layout.js'
import { Ledger } from '../channel/ledger.js'
import type { SharedArrayHandle } from '../memory/shared-array-region.js'
import { instrumented } from './instrument.js'
import { LANE_BOARD, type LaneRole, type LaneScheduleData } from './lane-schedule-roles.js'
import type { Outcome, Plan } from './schedule.js'
import { Baton, PLANNER } from './schedule-baton.js'
import type { Playable } from './schedule-search.js'

export interface LaneScene {
  readonly name: string
  readonly roles: readonly LaneRole[]
  readonly shape?: Partial<LaneShape>
}

/** Breaks a copy: in one file of the channel, `find` becomes `put`. */
export interface LaneRewrite {
  readonly file: string
  readonly find: string
  readonly put: string
}

const DIST = fileURLToPath(new URL('..', import.meta.url))
const BOARD_WORDS = 64
/** Spinning shows nothing that sleeping does not, in more steps. */
const SHORT_SPINS: readonly LaneRewrite[] = [
  { file: 'lane-client.js', find: 'const MOST_SPINS = 1300;', put: 'const MOST_SPINS = 1;' },
  { file: 'lane-client.js', find: 'const LEAST_SPINS = 160;', put: 'const LEAST_SPINS = 1;' },
  { file: 'lane-client.js', find: 'const LOOKS_PER_SPIN = 32;', put: 'const LOOKS_PER_SPIN = 1;' },
  { file: 'lane-worker.js', find: 'const SPIN_MS = 0.05;', put: 'const SPIN_MS = 0;' },
  { file: 'lane-worker.js', find: 'const LOOKS_PER_CLOCK = 16;', put: 'const LOOKS_PER_CLOCK = 1;' },
]

export class LaneStage implements Playable {
  readonly #tree: string
  readonly #baton: Baton
  readonly #workers: Worker[] = []
  readonly #ports: MessagePort[] = []
  readonly #roles: readonly LaneRole[]
  readonly #board: Int32Array
  readonly #memories: { readonly bytes: Uint8Array; readonly before: Uint8Array }[]

  constructor({ roles, shape }: LaneScene, rewrites: readonly LaneRewrite[] = []) {
    this.#tree = instrumentedChannel([...SHORT_SPINS, ...rewrites])
    this.#roles = roles
    const clients = roles.filter(({ role }) => role === 'client').length
    const ledger = Ledger.create(clients)
    const bell = Bell.create()
    const file = LaneFile.create({
      shape: { lanes: clients, window: 4, slotBytes: 64, transferBytes: 4096, ...shape },
      firstRow: ledger.open(clients),
      serverId: [1, 2, 3, 4],
      client: 0,
    })
    const board = new SharedArrayBuffer(BOARD_WORDS * 4)
    const baton = Baton.create()
    this.#baton = new Baton(baton, PLANNER)
    this.#board = new Int32Array(board)
    const handles = [file.share().region, bell.share(), ledger.share()] as SharedArrayHandle[]
    this.#memories = [...handles.flatMap(({ buffers }) => buffers), board].map((buffer) => {
      const bytes = new Uint8Array(buffer)
      return { bytes, before: bytes.slice() }
    })
    for (const [me, role] of roles.entries()) {
      const { port1, port2 } = new MessageChannel()
      const workerData: LaneScheduleData = {
        tree: this.#tree,
        baton,
        me,
        port: port2,
        role,
        workers: roles.length - clients,
        clients,
        file: file.share(),
        bell: handles[1]!,
        ledger: ledger.share(),
        board,
      }
      const url = new URL('./lane-schedule-worker.js', import.meta.url)
      this.#workers.push(new Worker(url, { workerData, transferList: [port2] }))
      this.#ports.push(port1)
      port1.unref()
    }
  }

  /** Plays one schedule and judges it. */
  play({ first, preemptions }: Plan): Outcome {
    for (const { bytes, before } of this.#memories) bytes.set(before)
    const facts = this.#baton.run(this.#roles.length, first, preemptions)
    let complaint = facts.timeouts > 0 ? 'somebody slept until a timeout' : this.#judge()
    for (const [me, port] of this.#ports.entries()) {
      const report = receiveMessageOnPort(port)?.message as { error?: string } | undefined
      if (report === undefined) throw new Error(`participant ${me} has not reported`)
      if (report.error !== undefined) complaint = `participant ${me} threw ${report.error}`
    }
    return complaint === undefined ? facts : { ...facts, complaint }
  }

  #judge(): string | undefined {
    const from = LANE_BOARD.numbers
    const executed = Array.from(this.#board.subarray(from, from + this.#board[LANE_BOARD.executed]!))
    for (const role of this.#roles) {
      if (role.role !== 'client') continue
      const sent = role.requests.map(({ number }) => number)
      const done = executed.filter((number) => sent.includes(number))
      if (done.join() !== sent.join()) return `sent ${sent}, carried out ${done}`
    }
    return undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
    rmSync(this.#tree, { recursive: true, force: true })
  }
}

function instrumentedChannel(rewrites: readonly LaneRewrite[]): string {
  const tree = mkdtempSync(join(tmpdir(), 'hearth-lane-schedule-'))
  writeFileSync(join(tree, 'package.json'), '{ "type": "module" }')
  cpSync(join(DIST, 'base'), join(tree, 'base'), { recursive: true })
  for (const layer of ['memory', 'channel']) {
    mkdirSync(join(tree, layer))
    for (const name of readdirSync(join(DIST, layer))) {
      if (!name.endsWith('.js') || name.endsWith('.test.js')) continue
      let text = readFileSync(join(DIST, layer, name), 'utf8')
      for (const rewrite of rewrites)
        if (layer === 'channel' && rewrite.file === name) text = rewritten(text, rewrite)
      // Copies of messages are private; the hooks know `copy` as that of a Buffer.
      writeFileSync(join(tree, layer, name), instrumented(text.replaceAll('.copy()', "['copy']()")))
    }
  }
  return tree
}

/** White space in `find` counts as any white space. */
function rewritten(text: string, { file, find, put }: LaneRewrite): string {
  const words = find.trim().split(/\s+/)
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+')
  const pieces = text.split(new RegExp(pattern))
  assert.equal(pieces.length, 2, `${file} has the text to be replaced once: ${find}`)
  return pieces.join(put)
}
