/**
 * The process that `log-kill.ts` kills: writes the numbers above its second argument to the log in the directory of
 * its first, in groups, and prints the last number of each group once it is on disk.
 */
import { writeSync } from 'node:fs'
import { openLog, readIdentity } from '../log/directory.js'
import { newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { RecordBatch } from '../log/record-batch.js'
import { NO_SINK } from '../log/snapshot-reader.js'

const [, , path = '', from = '0'] = process.argv
const disk = RealDisk.open(path)
const { writer } = openLog({
  disk,
  identity: readIdentity(disk) ?? newIdentity(),
  sink: NO_SINK,
  segmentBytes: 256 * 1024,
  nowMs: () => performance.now(),
  regionTimeMs: Date.now,
})
const batch = new RecordBatch()
for (let number = Number(from); ; ) {
  for (let count = 0; count < 50; count++) {
    number++
    batch.reset()
    batch.set(Buffer.from(`n${number}`), Buffer.from(`value of ${number}`), true)
    writer.append(batch)
  }
  writer.sync()
  writer.prepare()
  writeSync(1, `${number}\n`)
}
