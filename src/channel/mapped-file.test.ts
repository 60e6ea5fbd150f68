import { strict as assert } from 'node:assert'
import { chmodSync, mkdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { Doorbell, doorbellPath, listenTo } from './doorbell.js'
import { LaneFile } from './lane-file.js'
import { DEFAULT_LANE_SHAPE, LANE_FILE } from './layout.js'
import { MappedFile } from './mapped-file.js'

describe('lane files of their own', { skip: NO_NAMED_TABLES }, () => {
  let directory: string
  let files = 0
  before(() => {
    directory = useScratchDirectory()
  })
  after(() => rmSync(directory, { recursive: true, force: true }))
  const path = () => join(directory, `lane-${files++}`)
  const create = (at: string) =>
    LaneFile.create({
      shape: DEFAULT_LANE_SHAPE,
      firstRow: 0,
      serverId: [1, 2, 3, 4],
      client: process.pid,
      path: at,
    })

  test('are open to their user alone, and say who made them and for how many', () => {
    const at = path()
    const file = create(at)
    assert.equal(statSync(at).mode & 0o777, 0o600)
    assert.equal(statSync(doorbellPath(at, 0)).mode & 0o777, 0o600)
    const seen = LaneFile.open(at)
    assert.deepEqual(seen.serverId, [1, 2, 3, 4])
    assert.deepEqual(seen.geometry, file.geometry)
    assert.equal(seen.isClosed, false)
    file.close()
    assert.equal(seen.isClosed, true)
    file.remove()
    assert.throws(() => statSync(at), { code: 'ENOENT' })
    assert.throws(() => statSync(doorbellPath(at, 0)), { code: 'ENOENT' })
  })

  test('a name that is taken is not taken over', () => {
    const at = path()
    create(at)
    assert.throws(() => create(at), { code: 'EEXIST' })
    assert.equal(LaneFile.open(at).isClosed, false, 'what is there stays as it is')
  })

  test('one that is not there is NO_SERVER', () => {
    assert.throws(
      () => LaneFile.open(path()),
      (error) => isOperationError(error, 'NO_SERVER'),
    )
  })

  test('what is not to be trusted is REFUSED, what is no lane file of this release MISMATCH', () => {
    const refused = (at: string) =>
      assert.throws(
        () => LaneFile.open(at),
        (error) => isOperationError(error, 'REFUSED'),
        at,
      )
    const mismatch = (at: string) =>
      assert.throws(
        () => LaneFile.open(at),
        (error) => isOperationError(error, 'MISMATCH'),
        at,
      )
    const open = path()
    create(open)
    chmodSync(open, 0o666)
    refused(open)
    const link = path()
    const target = path()
    create(target)
    symlinkSync(target, link)
    refused(link)
    const folder = path()
    mkdirSync(folder)
    assert.throws(() => LaneFile.open(folder))
    const empty = path()
    writeFileSync(empty, '', { mode: 0o600 })
    mismatch(empty)
    const other = path()
    writeFileSync(other, Buffer.alloc(4096, 1), { mode: 0o600 })
    mismatch(other)
    const shorter = path()
    create(shorter)
    truncateSync(shorter, 8192)
    mismatch(shorter)
    const newer = path()
    create(newer)
    MappedFile.open(newer)!.segments[0]!.words[LANE_FILE.version] = 99
    mismatch(newer)
    const misshapen = path()
    create(misshapen)
    MappedFile.open(misshapen)!.segments[0]!.words[LANE_FILE.slotBytes] = 17
    mismatch(misshapen)
  })

  test('a doorbell wakes who listens, and does not mind if it is not heard', async () => {
    const at = path()
    Doorbell.create(at)
    const bell = Doorbell.open(at)
    for (let i = 0; i < 70_000; i++) bell.ring()
    await new Promise<void>((resolve) => {
      const socket = listenTo(at, () => {
        socket.destroy()
        resolve()
      })
    })
    bell.close()
    bell.ring()
  })

  test('a doorbell is a pipe of this user, or REFUSED', () => {
    const at = path()
    writeFileSync(at, '')
    assert.throws(
      () => Doorbell.open(at),
      (error) => isOperationError(error, 'REFUSED'),
    )
  })
})
