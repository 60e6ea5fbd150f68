import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { addToBatch, type ModelRecord, type State, stateSink } from '../test/log-model.js'
import { openLog, readIdentity } from './directory.js'
import { lockDirectory } from './directory-lock.js'
import { newIdentity } from './identity.js'
import { checkLog, inspectLog } from './inspect.js'
import { RealDisk } from './real-disk.js'
import { RecordBatch } from './record-batch.js'
import type { LogWriter } from './writer.js'

async function withDirectory(body: (path: string) => void | Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'hearth-data-'))
  try {
    await body(path)
  } finally {
    rmSync(path, { recursive: true })
  }
}

function start(path: string): { disk: RealDisk; writer: LogWriter; state: State; progress: number[][] } {
  const disk = RealDisk.open(path)
  const state: State = new Map()
  const progress: number[][] = []
  const { writer } = openLog({
    disk,
    identity: readIdentity(disk) ?? newIdentity(),
    sink: stateSink(state),
    segmentBytes: 65536,
    onProgress: (done, total) => progress.push([done, total]),
    nowMs: () => performance.now(),
    regionTimeMs: Date.now,
  })
  return { disk, writer, state, progress }
}

function write(writer: LogWriter, records: readonly ModelRecord[]): void {
  const batch = new RecordBatch()
  for (const record of records) addToBatch(batch, record)
  writer.append(batch)
}

const set = (key: string, value: string): ModelRecord => ({ type: 'set', key, value, expiresAtMs: Infinity })

describe('a data directory on the real disk', () => {
  test('gives back what was written, over many starts, closed in order or not', () =>
    withDirectory((path) => {
      const first = start(path)
      assert.equal(first.state.size, 0)
      for (let index = 0; index < 2000; index++) {
        write(first.writer, [set(`key-${index}`, `value-${index}`), set('last', String(index))])
        if (index % 100 === 0) first.writer.sync()
      }
      first.writer.sync()
      const second = start(path)
      assert.equal(second.state.get('last'), '1999@Infinity')
      assert.equal(second.state.size, 2001)
      const [done, total] = second.progress.at(-1) ?? []
      assert.ok(second.progress.length > 2 && done === total)
      write(second.writer, [{ type: 'delete', key: 'key-1' }, set('second', 'yes')])
      second.writer.close()
      const third = start(path)
      assert.equal(third.state.size, 2001)
      third.writer.close()
    }))

  test('keeps its files to its owner', () =>
    withDirectory((path) => {
      const { writer } = start(join(path, 'made'))
      writer.close()
      assert.equal(statSync(join(path, 'made')).mode & 0o077, 0)
      for (const name of readdirSync(join(path, 'made')))
        assert.equal(statSync(join(path, 'made', name)).mode & 0o077, 0, name)
    }))

  test('keeps id and hash key, and refuses data without them', () =>
    withDirectory((path) => {
      const { disk, writer } = start(path)
      const identity = readIdentity(disk)
      assert.ok(identity)
      write(writer, [set('a', 'b')])
      writer.close()
      const again = start(path)
      assert.deepEqual(readIdentity(disk), identity)
      again.writer.close()
      disk.unlink('identity')
      assert.throws(() => start(path), /the file that says whose it is/)
    }))

  test('that another one took the place of takes nothing, also from a node that has written nothing yet', () =>
    withDirectory((parent) => {
      const path = join(parent, 'data')
      const first = start(path)
      write(first.writer, [set('a', '1')])
      first.writer.close()
      for (const looks of [true, false]) {
        const { writer } = start(path)
        renameSync(path, join(parent, 'moved'))
        mkdirSync(path)
        const failsSo = { code: 'LOG_FAILED', message: /the directory of the log is another one/ }
        assert.throws(() => (looks ? writer.look() : write(writer, [set('b', '2')])), failsSo)
        assert.deepEqual(readdirSync(path), [])
        assert.throws(() => write(writer, [set('b', '2')]), { code: 'LOG_FAILED' })
        writer.close()
        rmdirSync(path)
        renameSync(join(parent, 'moved'), path)
      }
    }))

  test('is inspected and checked without being changed', () =>
    withDirectory((path) => {
      const { disk, writer } = start(path)
      write(writer, [set('a', '1'), { type: 'delete', key: 'a' }, { type: 'clear' }])
      write(writer, [set('b', '2')])
      writer.close()
      const { logId } = readIdentity(disk) ?? newIdentity()
      const before = disk.list()
      const findings = [...inspectLog(disk, logId)]
      assert.deepEqual(
        findings.map(({ kind }) => kind),
        ['segment', 'frame', 'frame', 'end'],
      )
      const frame = findings[1]
      assert.ok(frame?.kind === 'frame')
      assert.deepEqual(
        frame.records.map(({ lsn, type, key }) => [lsn, type, key.toString()]),
        [
          [1, 'set', 'a'],
          [2, 'delete', 'a'],
          [3, 'clear', ''],
          [4, 'set', 'b'],
        ],
      )
      const check = checkLog(disk, logId, true)
      assert.deepEqual(
        [check.damage, check.lastLsn, check.records, check.tornBytes, check.segments],
        [undefined, 5, 5, 0, 1],
      )
      assert.deepEqual(disk.list(), before)
    }))
})

/** For an owner that lives, however slow its machine is. */
const PATIENCE_MS = 120_000

describe('the lock of a directory', () => {
  test('is had by one of many who come at once, and named to the others', () =>
    withDirectory(async (path) => {
      const wants = await Promise.allSettled(
        Array.from({ length: 10 }, () => lockDirectory(path, PATIENCE_MS)),
      )
      const owners = wants.flatMap((want) => (want.status === 'fulfilled' ? [want.value] : []))
      assert.equal(owners.length, 1)
      for (const want of wants)
        if (want.status === 'rejected') {
          assert.ok(isOperationError(want.reason, 'REFUSED'))
          assert.match(want.reason.message, new RegExp(`process ${process.pid}`))
        }
      await owners[0]?.release()
      const next = await lockDirectory(path)
      await next.release()
    }))

  test('that cannot be made or written to is refused with its path and why', async () => {
    await assert.rejects(lockDirectory('/dev/null/data'), (error) => {
      assert.ok(isOperationError(error, 'REFUSED'))
      assert.match(error.message, /the directory \/dev\/null\/data cannot be used: E[A-Z]+: /)
      return true
    })
  })

  test('works under a path that is longer than a socket address', () =>
    withDirectory(async (path) => {
      const long = join(path, 'x'.repeat(120))
      const lock = await lockDirectory(long)
      await assert.rejects(lockDirectory(long), /in use/)
      await lock.release()
      await (await lockDirectory(long)).release()
    }))

  test('dies with its process, holds while that is stopped, and leaves one name', () =>
    withDirectory(async (path) => {
      const script = `const { lockDirectory } = await import(${JSON.stringify(new URL('./directory-lock.js', import.meta.url).href)})
        await lockDirectory(${JSON.stringify(path)})
        process.stdout.write('locked')
        setInterval(() => {}, 1000)`
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        try {
          await once(child.stdout, 'data')
          await assert.rejects(lockDirectory(path, PATIENCE_MS), new RegExp(`process ${child.pid}`))
          child.kill('SIGSTOP')
          await assert.rejects(lockDirectory(path, 1), /does not answer/)
        } finally {
          child.kill('SIGKILL')
          await once(child, 'close')
        }
        const lock = await lockDirectory(path)
        await lock.release()
        assert.equal(readdirSync(path).length, 1)
      }
    }))
})
