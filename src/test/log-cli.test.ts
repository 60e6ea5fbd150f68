/** The commands that look at data directories: check, inspect, wal-dump, backup, restore; also while a node writes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLog } from '../log/directory.js'
import { newIdentity } from '../log/identity.js'
import { RealDisk } from '../log/real-disk.js'
import { RecordBatch } from '../log/record-batch.js'
import { NO_SINK } from '../log/snapshot-reader.js'
import { snapshotSteps } from '../log/snapshot-writer.js'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const WRITER = fileURLToPath(new URL('./log-kill-writer.js', import.meta.url))

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args])
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** A directory with a snapshot at position 60, and 151 positions in several segments. */
function makeDirectory(path: string): void {
  const identity = newIdentity()
  const disk = RealDisk.open(path)
  const clocks = { nowMs: () => performance.now(), regionTimeMs: () => 1000 }
  const { writer } = openLog({ disk, identity, sink: NO_SINK, segmentBytes: 2048, ...clocks })
  const batch = new RecordBatch()
  const write = (from: number, to: number): void => {
    for (let number = from; number <= to; number++) {
      batch.reset()
      if (number === 100) batch.delete(Buffer.from([0xff]))
      else if (number === 101) batch.set(Buffer.from('due'), Buffer.from([0xfe]), false, 1_700_000_000_000)
      else batch.set(Buffer.from(`k${number}`), Buffer.from(`value ${number}`), true)
      writer.append(batch)
      if (number % 5 === 0) writer.sync()
    }
  }
  write(1, 60)
  const steps = snapshotSteps({
    disk,
    logId: identity.logId,
    epoch: { number: 1, startId: 1n },
    startLsn: writer.synced,
    entries: [],
    syncLog: () => writer.sync(),
    regionTimeMs: () => 1000,
  })
  while (steps.next().done !== true);
  write(61, 149)
  batch.reset()
  batch.clear()
  writer.append(batch)
  writer.close()
}

let path: string
let good: string
before(() => {
  path = mkdtempSync(join(tmpdir(), 'hearth-log-cli-'))
  good = join(path, 'good')
  makeDirectory(good)
})
after(() => rmSync(path, { recursive: true }))

/** A copy of the good directory, one byte of a file changed. */
function damaged(name: string, file: string, at: number): string {
  const copy = join(path, name)
  cpSync(good, copy, { recursive: true })
  const bytes = readFileSync(join(copy, file))
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(join(copy, file), bytes)
  return copy
}

describe('a data directory on the command line', () => {
  test('that is good is called so, and listed file by file', async () => {
    const check = await run('check', good)
    assert.equal(check.code, 0)
    assert.match(
      check.out,
      /: good\n {2}a snapshot at position 60, \d+ segments, \d+ records read, up to position 151\n$/,
    )
    const facts = JSON.parse((await run('check', good, '--json')).out) as Record<string, unknown>
    assert.equal(facts['isGood'], true)
    assert.equal(facts['lastLsn'], 151)
    const { code, out } = await run('inspect', good, '--json')
    assert.equal(code, 0)
    const { snapshots, segments, faults } = JSON.parse(out) as Record<
      'snapshots' | 'segments' | 'faults',
      object[]
    >
    assert.deepEqual(snapshots, [{ file: '0000000000000060.snapshot', startLsn: 60, endLsn: 60, entries: 0 }])
    assert.ok(segments.length > 2)
    assert.deepEqual(faults, [])
    assert.equal((segments.at(-1) as { lastLsn: number }).lastLsn, 151)
    assert.doesNotMatch(out, /hashKey/)
    assert.match(
      (await run('inspect', good)).out,
      /FILE +SIZE +USED +POSITIONS[\s\S]*\.snapshot[\s\S]*to 151 /,
    )
  })

  test('is dumped record by record, binary and expiry included', async () => {
    const { code, out } = await run('wal-dump', good, '--from', '99', '--to', '150')
    assert.equal(code, 0)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { lsn: number })
    assert.deepEqual(
      lines.map(({ lsn }) => lsn),
      Array.from({ length: 52 }, (_, index) => 99 + index),
    )
    assert.deepEqual(lines.slice(0, 3), [
      { lsn: 99, type: 'set', key: 'k99', value: 'value 99' },
      { lsn: 100, type: 'delete', key64: '/w==' },
      { lsn: 101, type: 'set', key: 'due', value64: '/g==', expiresAtMs: 1_700_000_000_000 },
    ])
    assert.deepEqual(lines.at(-1), { lsn: 150, type: 'clear' })
    const facts = (await run('wal-dump', good, '--json')).out
    for (const kind of ['snapshot', 'segment', 'frame', 'end'])
      assert.match(facts, new RegExp(`"kind":"${kind}"`))
    assert.equal((await run('wal-dump', good, '--from', '9', '--to', '8')).code, 2)
    assert.equal((await run('wal-dump', good, '--from', '0')).code, 2)
  })

  test('with damage in its middle is told with file and offset, and the rest is dumped', async () => {
    const inspected = JSON.parse((await run('inspect', good, '--json')).out) as {
      segments: { file: string }[]
    }
    const segment = inspected.segments.at(-2)?.file ?? ''
    const copy = damaged('middle', segment, 700)
    const check = await run('check', copy)
    assert.equal(check.code, 1)
    assert.match(
      check.out,
      /: DAMAGED\n[\s\S]* {2}\d{16}\.log at byte \d+ \(position \d+\): [^\n]+; a start refuses\n$/,
    )
    const dump = await run('wal-dump', copy)
    assert.equal(dump.code, 1)
    assert.ok(dump.err.includes(`cannot be read: ${segment} at byte`))
    assert.match(dump.out, /"lsn":150,/)
    const { faults } = JSON.parse((await run('inspect', copy, '--json')).out) as {
      faults: { file: string }[]
    }
    assert.deepEqual(
      faults.map(({ file }) => file),
      [segment],
    )
    const refused = await run('backup', copy, join(path, 'never'))
    assert.equal(refused.code, 3)
    assert.ok(refused.err.includes(`${segment} at byte`))
  })

  test('with a damaged snapshot, or a torn end, is told apart', async () => {
    const bad = await run('check', damaged('snapshot', '0000000000000060.snapshot', 520))
    assert.equal(bad.code, 1)
    assert.match(bad.out, /0000000000000060\.snapshot at byte/)
    const { segments } = JSON.parse((await run('inspect', good, '--json')).out) as {
      segments: { file: string; sizeBytes: number }[]
    }
    const { file, sizeBytes } = segments.at(-1) ?? { file: '', sizeBytes: 0 }
    const torn = join(path, 'torn')
    cpSync(good, torn, { recursive: true })
    truncateSync(join(torn, file), sizeBytes - 2)
    const check = await run('check', torn)
    assert.equal(check.code, 0)
    assert.match(check.out, /the last write was torn: the next start cuts \d+ bytes/)
    assert.equal((await run('wal-dump', torn)).code, 0)
  })

  test('is backed up and restored, never over something', async () => {
    const copy = join(path, 'backup')
    const made = await run('backup', good, copy)
    assert.equal(made.code, 0)
    assert.match(made.out, /^backed up to .*backup: .* up to position 151, read back and good\n$/)
    assert.equal((await run('backup', good, copy)).code, 3)
    const restored = JSON.parse((await run('restore', copy, join(path, 'restored'), '--json')).out) as object
    assert.equal((restored as { lastLsn: number }).lastLsn, 151)
    const records = (await run('wal-dump', good, '--from', '61')).out
    assert.equal((await run('wal-dump', join(path, 'restored'), '--from', '61')).out, records)
  })

  test('wrong arguments are told', async () => {
    mkdirSync(join(path, 'bare'))
    const wrong = ['check', 'inspect', 'wal-dump'].flatMap((command) =>
      ['none/', 'bare', 'good/identity'].map((name) => [command, join(path, name)] as const),
    )
    const results = await Promise.all(wrong.map(([command, name]) => run(command, name)))
    for (const [index, { code, err }] of results.entries()) {
      assert.equal(code, 2, wrong[index]?.join(' '))
      assert.match(err, /no directory|no data/)
    }
    for (const command of ['backup', 'restore']) {
      const { code, err } = await run(command, join(path, 'bare'), join(path, 'x'))
      assert.deepEqual({ code, isTold: /no data/.test(err) }, { code: 2, isTold: true })
    }
  })
})

test('while a node writes, all of it works, and a backup holds what was acknowledged before', async () => {
  const data = join(path, 'live')
  const writer: ChildProcess = spawn(process.execPath, [WRITER, data, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let acknowledged = 0
    let rest = ''
    writer.stdout?.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      acknowledged = Number(lines.at(-1) ?? acknowledged)
    })
    await once(writer.stdout ?? writer, 'data')
    const before = acknowledged
    const backup = await run('backup', data, join(path, 'live-backup'))
    assert.deepEqual({ code: backup.code, err: backup.err }, { code: 0, err: '' })
    assert.equal((await run('check', data)).code, 0)
    assert.equal((await run('inspect', data)).code, 0)
    // The writer goes on.
    while (acknowledged <= before) await once(writer.stdout ?? writer, 'data')
    const numbers = (await run('wal-dump', join(path, 'live-backup'))).out.match(/"key":"n\d+"/g) ?? []
    assert.ok(numbers.length >= before)
    for (const [index, text] of numbers.entries()) assert.equal(text, `"key":"n${index + 1}"`)
  } finally {
    const closed = once(writer, 'close')
    writer.kill('SIGKILL')
    await closed
  }
})
