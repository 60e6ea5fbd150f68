/**
 * Entry of a second loading thread that fails: how is said by HEARTH_TEST_LOADER; once it has its share it makes the file that
 * HEARTH_TEST_LOADER_MARK names. For store/second-loader.test.ts.
 */
import { writeFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { SharedArrayRegion } from '../memory/shared-array-region.js'
import { LoaderWords } from '../store/loader-words.js'
import type { LoaderData, LoaderReport } from '../store/second-loader.js'
import { Table } from '../table/table.js'

export type LoaderFault = 'absent' | 'dies' | 'dies-inside' | 'fails' | 'disagrees'

const { HEARTH_TEST_LOADER: fault, HEARTH_TEST_LOADER_MARK: mark } = process.env
const data = workerData as LoaderData

if (fault === 'absent') throw new Error('cannot begin')
const words = LoaderWords.attach(data.words)
const share = words.waitForShare()
const say = (report: LoaderReport): void => {
  data.port.postMessage(report)
  words.end()
}
if (share !== undefined) {
  if (mark !== undefined) writeFileSync(mark, '')
  if (fault === 'dies') process.exit(1)
  if (fault === 'dies-inside' && data.region.kind === 'threads') {
    // With its desk taken, as in the middle of a load.
    const table = Table.attach(SharedArrayRegion.attach(data.region), { lockTimeoutMs: 1000 })
    table.bulkLoad({ full() {}, settled() {} })
    process.exit(1)
  }
  if (fault === 'fails') say({ failure: 'EIO: the disk does not read', code: 'EIO' })
  if (fault === 'disagrees') say({ mark: { crc: 1, nextLsn: share.fromLsn } })
}
data.port.close()
