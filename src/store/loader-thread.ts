/**
 * Entry of the second loading thread (second-loader.ts): reads the data directory along with the one who recovers it, and
 * loads what lies in its stripes. It changes nothing on disk and judges nothing: where it comes upon damage, or finds no
 * room, it says so and leaves, and the first reads everything again alone.
 */
import { workerData } from 'node:worker_threads'
import { errorCode } from '../log/disk.js'
import { RealDisk } from '../log/real-disk.js'
import { readAlong } from '../log/recovery.js'
import { unmapAtExit } from '../memory/mapping-end.js'
import type { Region } from '../memory/region.js'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { Table } from '../table/table.js'
import { type LoaderShare, LoaderWords } from './loader-words.js'
import { RecoverySink } from './recovery-sink.js'
import type { LoaderData, LoaderReport } from './second-loader.js'

/** Nobody wants the rest. */
class DismissedError extends Error {}

const data = workerData as LoaderData
const words = LoaderWords.attach(data.words)

/** What only a named region needs is loaded only for one: this thread can begin the sooner without. */
async function regionAttacher(): Promise<() => Region> {
  const { region } = data
  if (region.kind !== 'mapped') return () => SharedArrayRegion.attach(region)
  const { attachByName } = await import('./served-region.js')
  return () => attachByName(region)
}

function load(share: LoaderShare): LoaderReport {
  const { lockTimeoutMs, directory, logId } = data
  const table = Table.attach(attach(), { lockTimeoutMs, isSequenced: true })
  try {
    const sink = RecoverySink.ofSecond(table, share.firstStripe, () => {
      if (words.isDismissed) throw new DismissedError()
    })
    const mark = readAlong({ disk: RealDisk.open(directory), logId, sink, expectsLog: true }, share.fromLsn)
    sink.end()
    return { mark: sink.hasSpilled ? undefined : mark }
  } finally {
    table.close()
  }
}

function report(share: LoaderShare): LoaderReport | undefined {
  try {
    return load(share)
  } catch (error) {
    if (error instanceof DismissedError) return undefined
    return { failure: error instanceof Error ? error.message : String(error), code: errorCode(error) }
  }
}

unmapAtExit()
const attach = await regionAttacher()
const share = words.waitForShare()
if (share !== undefined) {
  const said = report(share)
  if (said !== undefined) data.port.postMessage(said)
  words.end()
}
data.port.close()
