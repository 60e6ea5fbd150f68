import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { isOperationError } from '../base/errors.js'
import { codecs } from '../codec/codecs.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { leftovers, NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { SharedMap } from './shared-map.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const options = { skip: NO_NAMED_TABLES }
const isRoot = process.geteuid?.() === 0
const fileOf = (name: string) => regionName(name).path

describe('a named table', options, () => {
  test('is one for all who open the name, and outlives them', () => {
    using first = SharedMap.open('one', { capacity: '1MiB', values: codecs.json<object>() })
    using second = SharedMap.open<string, object>('one')
    first.set('k', { n: 1 })
    assert.deepEqual(second.get('k'), { n: 1 })
    first.close()
    second.close()
    using third = SharedMap.open<string, object>('one', { mode: 'open' })
    assert.deepEqual(third.get('k'), { n: 1 })
    third.check()
  })

  test('takes names of any characters, each its own', () => {
    const names = [
      'a',
      'A',
      'a/b',
      '../a',
      '.',
      '..',
      'ä',
      '日本',
      'a b',
      "it's",
      '%61',
      '~',
      'new-a',
      '\n',
      '\0',
    ]
    const maps = names.map((name) => SharedMap.open(name, { capacity: '64KiB' }))
    for (const [index, map] of maps.entries()) map.set('name', names[index]!)
    for (const name of names) assert.equal(SharedMap.open(name).get('name'), name)
    const listed = SharedMap.list().map(({ name }) => name)
    assert.deepEqual(listed.filter((name) => names.includes(name)).sort(), [...names].sort())
    for (const name of names) assert.ok(SharedMap.unlink(name))
  })

  test('refuses what cannot be a name or an option, and makes nothing of it', () => {
    const before = readdirSync(directory)
    const open = SharedMap.open as (name: unknown, options?: unknown) => unknown
    for (const name of [undefined, null, 5, {}, '\ud800']) assert.throws(() => open(name), TypeError)
    for (const name of ['', 'x'.repeat(201), 'ä'.repeat(34)]) assert.throws(() => open(name), RangeError)
    for (const wrong of [{ mode: 'truncate' }, { onMismatch: true }, { access: 'w' }, 5, { keys: 1 }])
      assert.throws(() => open('x', wrong), TypeError)
    for (const wrong of [{ fileMode: 0o777 }, { fileMode: 0o400 }, { fileMode: '600' }, { capacity: 1 }])
      assert.throws(() => open('x', wrong), RangeError)
    assert.throws(() => open('x', { access: 'ro' }), { code: 'MISMATCH' })
    assert.deepEqual(readdirSync(directory), before)
  })

  test("must be there for mode 'open', and must not for 'create'", () => {
    assert.throws(() => SharedMap.open('modes', { mode: 'open' }), {
      code: 'MISMATCH',
      message: /there is no table 'modes'/,
    })
    assert.equal(existsSync(fileOf('modes')), false)
    using map = SharedMap.open('modes', { mode: 'create', capacity: '64KiB' })
    assert.throws(() => SharedMap.open('modes', { mode: 'create' }), { code: 'MISMATCH', message: /already/ })
    map.set('k', 'v')
  })

  test('that differs from what is asked for is a MISMATCH that shows both, and stays as it is', () => {
    using map = SharedMap.open('differs', { capacity: '64KiB', maxEntries: 7 })
    map.set('k', 'v')
    const asked = {
      values: codecs.json(),
      capacity: '1MiB',
      maxEntries: 8,
      stripes: 64,
      defaultTtlMs: 5,
      eviction: 'clock',
    } as const
    assert.throws(
      () => SharedMap.open('differs', asked),
      ({ code, message }) => {
        assert.equal(code, 'MISMATCH')
        for (const part of [
          "values 'string', asked for 'json'",
          'capacity 64KiB, asked for 1MiB',
          'maxEntries 7, asked for 8',
          'stripes 16, asked for 64',
          "eviction 'none', asked for 'clock'",
          'defaultTtlMs 0, asked for 5',
        ])
          assert.ok(message.includes(part), `${part}: ${message}`)
        return true
      },
    )
    const modes = { mode: 'open', onMismatch: 'recreate' } as const
    assert.throws(() => SharedMap.open('differs', { values: codecs.json(), ...modes }), {
      code: 'MISMATCH',
      message: /leave out mode 'open' to replace it/,
    })
    assert.equal(map.get('k'), 'v')
    assert.equal(map.stats().participants, 1)
    SharedMap.open('differs', { capacity: '64KiB', maxEntries: 7 }).close()
  })

  test('that does not fit can be recreated: who has the old one is told', () => {
    using old = SharedMap.open('recreated', { capacity: '64KiB' })
    old.set('k', 'v')
    using map = SharedMap.open('recreated', { values: codecs.json<object>(), onMismatch: 'recreate' })
    assert.equal(map.size, 0)
    for (const use of [
      () => old.get('k'),
      () => old.set('k', 'w'),
      () => old.size,
      () => old.share(),
      () => [...old],
    ])
      assert.throws(use, { code: 'CLOSED', message: /given up/ })
    map.set('k', {})
    using same = SharedMap.open<string, object>('recreated', {
      values: codecs.json(),
      onMismatch: 'recreate',
    })
    assert.deepEqual(same.get('k'), {})
  })

  test('whose name was removed is closed to all, and the name is free', () => {
    using map = SharedMap.open('removed', { capacity: '64KiB' })
    map.set('k', 'v')
    assert.equal(SharedMap.unlink('removed'), true)
    assert.equal(SharedMap.unlink('removed'), false)
    assert.throws(() => map.get('k'), { code: 'CLOSED' })
    using next = SharedMap.open('removed', { capacity: '64KiB' })
    assert.equal(next.get('k'), undefined)
  })

  test('says what to do where there is no directory for it, or where something else lies in its place', () => {
    const directory = process.env['HEARTH_SHM_DIR']!
    process.env['HEARTH_SHM_DIR'] = join(directory, 'nowhere')
    try {
      const attempts = [() => SharedMap.open('x'), () => SharedMap.unlink('x'), () => SharedMap.list()]
      for (const attempt of attempts) assert.throws(attempt, { code: 'REFUSED', message: /HEARTH_SHM_DIR/ })
    } finally {
      process.env['HEARTH_SHM_DIR'] = directory
    }
    mkdirSync(fileOf('directory'))
    assert.throws(() => SharedMap.open('directory'), { code: 'REFUSED', message: /no plain file/ })
    rmdirSync(fileOf('directory'))
  })

  test('knows when its file was taken away by other means', () => {
    SharedMap.open('orphan', { capacity: '64KiB' }).close()
    const region = MappedRegion.open(Native.load(), regionName('orphan'), 0o600)!
    assert.equal(region.isOrphan(), false)
    rmSync(fileOf('orphan'))
    assert.equal(region.isOrphan(), true)
    SharedMap.open('orphan', { capacity: '64KiB' }).close()
    assert.equal(region.isOrphan(), true)
    region.presence.close()
  })

  test('whose file was taken away by other means is soon closed to all who still use it', async () => {
    using map = SharedMap.open('taken away', { capacity: '64KiB' })
    map.set('k', 'v')
    rmSync(fileOf('taken away'))
    const isClosed = () => {
      try {
        return map.get('k') !== 'v'
      } catch (error) {
        return isOperationError(error, 'CLOSED')
      }
    }
    while (!isClosed()) await delay(20)
  })

  test('is listed with what it takes and who uses it', () => {
    using map = SharedMap.open('listed', { capacity: '4MiB', values: codecs.json() })
    using _second = SharedMap.open('listed')
    const find = () => SharedMap.list().find(({ name }) => name === 'listed')!
    const { createdAtMs, usedBytes, sizeBytes, ...rest } = find()
    assert.deepEqual(rest, {
      name: 'listed',
      role: 'direct',
      state: 'ready',
      participants: 2,
      capacityBytes: 4 * 2 ** 20,
      keys: 'string',
      values: 'json',
    })
    assert.ok(createdAtMs <= Date.now() && sizeBytes > 4 * 2 ** 20 && usedBytes < sizeBytes / 2)
    map.set('k', 'x'.repeat(2 ** 20))
    assert.ok(find().usedBytes >= usedBytes + 2 ** 20)
    writeFileSync(fileOf('odd'), 'nothing')
    assert.equal(SharedMap.list().find(({ name }) => name === 'odd')?.state, 'damaged')
    SharedMap.unlink('odd')
  })

  test('is passed to worker threads by its name', async () => {
    using map = SharedMap.open('threads', { capacity: '1MiB', values: codecs.int32 })
    const code = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.module).then(({ SharedMap }) => {
        const map = SharedMap.attach(workerData.map)
        for (let i = 0; i < 10000; i++) map.increment('n')
        parentPort.postMessage(map.stats().participants)
      })`
    const workerData = { map: map.share(), module: new URL('./shared-map.js', import.meta.url).href }
    const workers = [1, 2].map(() => new Worker(code, { eval: true, workerData }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    await Promise.all(workers.map((worker) => worker.terminate()))
    assert.equal(map.get('n'), 20_000)
    assert.equal(SharedMap.list().find(({ name }) => name === 'threads')?.participants, 1)
    const handle = map.share()
    SharedMap.unlink('threads')
    assert.throws(() => SharedMap.attach(handle), { code: 'CLOSED' })
    SharedMap.open('threads', { capacity: '1MiB' }).close()
    assert.throws(() => SharedMap.attach(handle), { code: 'CLOSED' })
  })
})

describe('the file of a named table', options, () => {
  test('is for this user alone from the start, whatever the umask', () => {
    const before = process.umask(0o777)
    try {
      SharedMap.open('private', { capacity: '64KiB' }).close()
    } finally {
      process.umask(before)
    }
    assert.equal(statSync(fileOf('private')).mode & 0o777, 0o600)
    SharedMap.open('group', { capacity: '64KiB', fileMode: 0o660 }).close()
    assert.equal(statSync(fileOf('group')).mode & 0o777, 0o660)
  })

  test('is refused if it is a link, no file, or open to others, and is left alone', () => {
    SharedMap.open('real', { capacity: '64KiB' }).close()
    symlinkSync(fileOf('real'), fileOf('link'))
    mkdirSync(fileOf('folder'))
    SharedMap.open('wide', { capacity: '64KiB' }).close()
    chmodSync(fileOf('wide'), 0o644)
    for (const [name, why] of [
      ['link', /symbolic link/],
      ['wide', /0644.*0600/],
    ] as const) {
      for (const onMismatch of ['throw', 'recreate'] as const)
        assert.throws(() => SharedMap.open(name, { onMismatch }), { code: 'REFUSED', message: why })
    }
    assert.throws(() => SharedMap.open('folder'))
    using real = SharedMap.open('real')
    real.check()
    for (const name of ['link', 'folder']) rmSync(fileOf(name), { recursive: true })
  })

  test('is refused if it belongs to another user', {
    skip: isRoot ? false : 'needs root to give a file away',
  }, () => {
    SharedMap.open('theirs', { capacity: '64KiB' }).close()
    chownSync(fileOf('theirs'), 12345, 12345)
    assert.throws(() => SharedMap.open('theirs', { onMismatch: 'recreate' }), {
      code: 'REFUSED',
      message: /user 12345/,
    })
    assert.throws(() => SharedMap.unlink('theirs'), { code: 'REFUSED' })
    rmSync(fileOf('theirs'))
  })

  test('that another user may write, too, is for its owner alone to give up', {
    skip: isRoot ? false : 'needs root to become another user',
  }, () => {
    chmodSync(directory, 0o1777)
    using map = SharedMap.open('for all', { capacity: '64KiB', fileMode: 0o666 })
    map.set('k', 'v')
    process.seteuid?.(12345)
    try {
      using theirs = SharedMap.open('for all', { fileMode: 0o666 })
      theirs.set('k', 'w')
      const refusal = { code: 'REFUSED', message: /its owner alone, user 0/ }
      assert.throws(() => SharedMap.unlink('for all'), refusal)
      const other = { fileMode: 0o666, values: codecs.json(), onMismatch: 'recreate' } as const
      assert.throws(() => SharedMap.open('for all', other), refusal)
    } finally {
      process.seteuid?.(0)
    }
    assert.equal(map.get('k'), 'w')
    SharedMap.unlink('for all')
    assert.deepEqual(leftovers(directory), [])
  })

  test('that is no whole table is a MISMATCH, and can be recreated', () => {
    const damages: [string, (path: string) => void][] = [
      ['empty', (path) => truncateSync(path, 0)],
      ['cut', (path) => truncateSync(path, statSync(path).size - 4096)],
      ['long', (path) => truncateSync(path, statSync(path).size + 4096)],
      ['text', (path) => writeFileSync(path, 'x'.repeat(8192))],
      ['zeros', (path) => writeFileSync(path, Buffer.alloc(8192))],
    ]
    for (const [name, damage] of damages) {
      SharedMap.open(name, { capacity: '64KiB' }).close()
      damage(fileOf(name))
      assert.throws(() => SharedMap.open(name), { code: 'MISMATCH' }, name)
      using map = SharedMap.open(name, { capacity: '64KiB', onMismatch: 'recreate' })
      map.set('k', 'v')
    }
  })

  test('may be replaced by another while it is being opened', () => {
    using other = SharedMap.open('other', { capacity: '64KiB' })
    using map = SharedMap.open('replaced', { capacity: '64KiB' })
    other.set('k', 'other')
    renameSync(fileOf('other'), fileOf('replaced'))
    assert.equal(SharedMap.open('replaced').get('k'), 'other')
    assert.equal(map.get('k'), undefined)
  })
})
