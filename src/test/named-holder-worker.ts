/** A thread that opens a table by its name and stops in the middle of a write, or waits for somebody's lock. */
import { parentPort, workerData } from 'node:worker_threads'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { Table } from '../table/table.js'
import { ALWAYS, NO_EXPIRY } from '../table/writer.js'

export interface NamedHolderData {
  readonly name: string
  readonly does: 'hold' | 'wait'
}

const { name, does } = workerData as NamedHolderData
const region = MappedRegion.open(Native.load(), regionName(name), 0o600)!
const table = Table.attach(region, { lockTimeoutMs: 3_000_000 })
const sleeper = new Int32Array(new SharedArrayBuffer(4))
if (does === 'hold') {
  table.writer.chain.replace = () => {
    table.writer.chain.makeBusy()
    parentPort?.postMessage('holding')
    for (;;) Atomics.wait(sleeper, 0, 0, 50)
  }
} else parentPort?.postMessage('waiting')
table.key.setText('k')
table.value.setText('by the worker')
table.put(NO_EXPIRY, ALWAYS)
