/**
 * A process of the tests of named tables. It does one task (JSON on its command line), and tells its parent by
 * messages. Tasks that hold a lock do so without ever getting back to the event loop, as a busy process would.
 */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { SharedMap } from '../map/shared-map.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'
import { GATE_BYTES, mapFile } from './named-scratch.js'

export type NamedTask =
  | { readonly task: 'count'; readonly name: string; readonly times: number }
  | { readonly task: 'open'; readonly values: 'string' | 'json' }
  | {
      readonly task: 'hold'
      readonly name: string
      readonly key: string
      readonly gatePath: string
      /** A program that it starts first, and that outlives it. */
      readonly leaves?: readonly string[]
    }
  | { readonly task: 'set'; readonly name: string; readonly key: string }
  | { readonly task: 'sleep'; readonly name: string; readonly word: number; readonly sleepMs: number }
  | { readonly task: 'die'; readonly name: string; readonly change: NameChange; readonly after: number }

/** What a process does to a name when it dies. */
export type NameChange = 'create' | 'recreate' | 'unlink'

const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

function send(message: unknown): void {
  process.send?.(message)
}

function openTable(name: string): { table: Table; region: MappedRegion } {
  const region = MappedRegion.open(Native.load(), regionName(name), 0o600)
  if (region === undefined) throw new Error(`there is no ${name}`)
  return { table: Table.attach(region, { lockTimeoutMs: 1000 }), region }
}

/** Counts when it is told to. */
function count(name: string, times: number): void {
  const map = SharedMap.open(name, { mode: 'open', values: codecs.int32, lockTimeoutMs: 60_000 })
  process.once('message', () => {
    for (let i = 0; i < times; i++) map.increment('counter')
    map.close()
    process.disconnect()
  })
  send('ready')
}

/** Opens each name that it is told, at once, and says which table it got. */
function open(values: 'string' | 'json'): void {
  const codec = values === 'json' ? codecs.json<unknown>() : (codecs.string as never)
  process.on('message', (name: string) => {
    const map = SharedMap.open(name, { capacity: '1MiB', values: codec, onMismatch: 'recreate' })
    map.set(`${process.pid}`, 'here')
    send((map.share().region as { id?: unknown }).id)
  })
  send('ready')
}

/** Stops in the middle of a replacement, with desk and stripe locked, until the gate opens. */
function hold(name: string, key: string, gatePath: string, leaves: readonly string[]): void {
  const gate = new Int32Array(mapFile(gatePath, GATE_BYTES))
  const { table } = openTable(name)
  const [program, ...values] = leaves
  if (program !== undefined) spawn(program, values, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const { chain } = table.writer
  const replace = chain.replace.bind(chain)
  const parent = process.ppid
  chain.replace = (stripeAt, reference) => {
    chain.makeBusy()
    send('holding')
    while (Atomics.load(gate, 0) === 0 && process.ppid === parent) Atomics.wait(SLEEPER, 0, 0, 5)
    replace(stripeAt, reference)
  }
  table.key.setText(key)
  table.value.setText('by the holder')
  table.put(NO_EXPIRY, ALWAYS)
  table.close()
  process.disconnect()
}

/** Tries one set, and says how that went. */
function set(name: string, key: string): void {
  const map = SharedMap.open(name, { mode: 'open', lockTimeoutMs: 400 })
  try {
    map.set(key, 'by another')
    send('done')
  } catch (error) {
    if (!isOperationError(error)) throw error
    send(error.code)
  }
  process.disconnect()
}

/** Sleeps once on a word of the header that nobody uses. */
function sleep(name: string, word: number, sleepMs: number): void {
  const { region } = openTable(name)
  const { words } = region.segments[0]!
  send('sleeping')
  const startedMs = performance.now()
  region.wait(word, 0, sleepMs)
  send({ value: Atomics.load(words, word), sleptMs: performance.now() - startedMs })
  process.disconnect()
}

/** Changes what a name points to, and is gone after so many calls of the system. */
function die(name: string, change: NameChange, after: number): void {
  let calls = 0
  const counted = <A extends unknown[], R>(call: (...values: A) => R) =>
    function (this: unknown, ...values: A): R {
      if (calls++ === after) process.kill(process.pid, 'SIGKILL')
      return call.apply(this, values)
    }
  Native.load()
  for (const call of [
    'openSync',
    'closeSync',
    'linkSync',
    'rmSync',
    'unlinkSync',
    'writeSync',
    'ftruncateSync',
    'fchmodSync',
  ] as const) {
    ;(fs as Record<string, unknown>)[call] = counted(fs[call] as (...values: unknown[]) => unknown)
  }
  syncBuiltinESMExports()
  for (const call of ['map', 'allocate', 'lockByte'] as const) {
    const prototype = Native.prototype as unknown as Record<string, (...values: unknown[]) => unknown>
    prototype[call] = counted(prototype[call]!)
  }
  if (change === 'unlink') SharedMap.unlink(name)
  else {
    const options = change === 'recreate' ? { values: codecs.json(), onMismatch: 'recreate' as const } : {}
    SharedMap.open(name, { capacity: '1MiB', ...options })
  }
  process.disconnect()
}

const task = JSON.parse(process.argv[2]!) as NamedTask
if (task.task === 'count') count(task.name, task.times)
else if (task.task === 'open') open(task.values)
else if (task.task === 'hold') hold(task.name, task.key, task.gatePath, task.leaves ?? [])
else if (task.task === 'set') set(task.name, task.key)
else if (task.task === 'sleep') sleep(task.name, task.word, task.sleepMs)
else die(task.name, task.change, task.after)
