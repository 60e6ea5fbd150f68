import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { codecs } from '../codec/codecs.js'
import { regionName } from '../memory/region-name.js'
import { leftovers, NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { SharedMap } from './shared-map.js'

const READ_ONLY = { access: 'ro' } as const
const OTHER_USER = 65_534
const notRoot: string | false = process.geteuid?.() === 0 ? false : 'only root can make files of other users'

describe("a table opened with access 'ro'", { skip: NO_NAMED_TABLES }, () => {
  const directory = useScratchDirectory()

  test('reads as any other, with the codecs that the table names', () => {
    using map = SharedMap.open('reads', {
      capacity: '1MiB',
      values: codecs.json<{ n: number }>(),
      eviction: 'clock',
    })
    for (let n = 0; n < 300; n++) map.set(`k${n}`, { n })
    map.set('later', { n: -1 }, { ttlMs: 86_400_000 })
    using view = SharedMap.open<string, { n: number }>('reads', READ_ONLY)
    assert.deepEqual(view.get('k7'), { n: 7 })
    assert.equal(view.get('none'), undefined)
    assert.equal(view.has('k299'), true)
    assert.equal(view.size, 301)
    assert.deepEqual(view.getMany(['k1', 'none', 'k2']), [{ n: 1 }, undefined, { n: 2 }])
    assert.equal(view.getEntry('k3')?.version, map.getEntry('k3')?.version)
    const leftMs = view.remainingTtlMs('later') ?? 0
    assert.ok(leftMs > 80_000_000 && leftMs <= 86_400_000, `${leftMs} ms`)
    assert.equal(view.remainingTtlMs('k1'), Number.POSITIVE_INFINITY)
    assert.equal(view.remainingTtlMs('none'), undefined)
    assert.deepEqual(new Map(view), new Map(map))
    assert.deepEqual([...view.keys()].sort(), [...map.keys()].sort())
    assert.equal([...view.values()].length, 301)
    const seen = new Set<string>()
    let cursor = 0
    do {
      const page = view.scan(cursor, { count: 50 })
      for (const key of page.keys) seen.add(key)
      cursor = page.cursor
    } while (cursor !== 0)
    assert.equal(seen.size, 301)
    view.check()
    assert.equal(view.stats().entries, 301)
    assert.equal(view.stats().hits, map.stats().hits + 4)
    assert.equal(view.stats().participants, 1)
  })

  test('sees at once what others write', () => {
    using map = SharedMap.open('sees', { capacity: '1MiB' })
    using view = SharedMap.open('sees', { ...READ_ONLY, decodedCache: '64KiB' })
    for (let n = 0; n < 50; n++) {
      map.set('k', `v${n}`)
      assert.equal(view.get('k'), `v${n}`)
      assert.equal(view.get('k'), `v${n}`)
    }
    map.delete('k')
    assert.equal(view.get('k'), undefined)
  })

  test('refuses whatever would write, before it runs anything of the caller', () => {
    using map = SharedMap.open('refuses', { capacity: '1MiB', values: codecs.int32 })
    map.set('k', 1)
    using view = SharedMap.open('refuses', { ...READ_ONLY, values: codecs.int32 })
    const never = () => assert.fail('nothing may be called')
    const writes: (() => unknown)[] = [
      () => view.set('k', 2),
      () => view.set('k', 2, { ttlMs: 5 }),
      () => view.setMany([['k', 2]]),
      () => view.insert('k', 2),
      () => view.replace('k', 2),
      () => view.delete('k'),
      () => view.take('k'),
      () => view.exchange('k', 2),
      () => view.compareAndSet('k', 1, 2),
      () => view.compute('k', never),
      () => view.getOrInsert('k', 2),
      () => view.getOrInsertComputed('k', never),
      () => view.increment('k'),
      () => view.hit('k', { ttlMs: 5 }),
      () => view.expire('k', 5),
      () => view.persist('k'),
      () => view.clear(),
    ]
    for (const write of writes) assert.throws(write, { code: 'READ_ONLY', outcome: 'not-applied' })
    assert.deepEqual([...map], [['k', 1]])
  })

  test('takes for gone what has expired by the wall clock', () => {
    let nowMs = 1_000_000
    const clock = () => nowMs
    using map = SharedMap.open('expires', { capacity: '1MiB', clock })
    using view = SharedMap.open('expires', { ...READ_ONLY, clock, decodedCache: '64KiB' })
    map.set('k', 'v', { ttlMs: 100 }).set('stays', 'here')
    assert.equal(view.get('k'), 'v')
    nowMs += 100
    assert.equal(view.get('k'), undefined)
    assert.equal(view.has('k'), false)
    assert.equal(view.getEntry('k'), undefined)
    assert.deepEqual(view.getMany(['k', 'stays']), [undefined, 'here'])
    assert.deepEqual([...view.keys()], ['stays'])
    assert.deepEqual(view.scan(0, { count: 100 }).keys, ['stays'])
    assert.equal(view.size, 2)
    map.check()
  })

  test('must be there, and is neither made nor replaced', () => {
    assert.throws(() => SharedMap.open('nowhere', READ_ONLY), {
      code: 'MISMATCH',
      message: /there is no table 'nowhere'/,
    })
    assert.throws(() => SharedMap.open('nowhere', { ...READ_ONLY, mode: 'create' }), TypeError)
    assert.throws(() => SharedMap.open('nowhere', { ...READ_ONLY, onMismatch: 'recreate' }), TypeError)
    using _map = SharedMap.open('fits', { capacity: '1MiB' })
    assert.throws(() => SharedMap.open('fits', { ...READ_ONLY, capacity: '2MiB' }), { code: 'MISMATCH' })
    assert.throws(() => SharedMap.open('fits', { ...READ_ONLY, values: codecs.int32 }), { code: 'MISMATCH' })
    assert.deepEqual(leftovers(directory), [])
    assert.equal(existsSync(regionName('nowhere').path), false)
  })

  test('is CLOSED once it is closed, or its name was removed or given to another', async () => {
    const map = SharedMap.open('ends', { capacity: '1MiB' })
    map.set('k', 'v')
    const closed = SharedMap.open('ends', READ_ONLY)
    closed.close()
    closed.close()
    assert.throws(() => closed.get('k'), { code: 'CLOSED', message: /has been closed in this thread/ })
    const view = SharedMap.open('ends', READ_ONLY)
    SharedMap.open('ends', { capacity: '2MiB', onMismatch: 'recreate' }).close()
    assert.throws(() => view.get('k'), { code: 'CLOSED', message: /given up/ })
    assert.throws(() => view.set('k', 'w'), { code: 'CLOSED' })
    view.close()
    map.close()
    const again = SharedMap.open('ends', { ...READ_ONLY, decodedCache: '64KiB' })
    assert.equal(again.get('k'), undefined)
    // Nobody is left who would mark the region: the reader finds out by itself.
    rmSync(regionName('ends').path)
    for (;;) {
      try {
        again.get('k')
        await sleep(20)
      } catch (error) {
        assert.match(String(error), /CLOSED.*given up/)
        break
      }
    }
    again.close()
  })

  test('waits for a table that is being replaced', () => {
    using map = SharedMap.open('replaced', { capacity: '1MiB' })
    map.set('k', 'v')
    const { path, lockPath } = regionName('replaced')
    // As in the middle of a replacement: the name is locked and leads nowhere.
    renameSync(path, `${path}.aside`)
    const text = `
      import { renameSync, rmSync, writeFileSync } from 'node:fs'
      writeFileSync(${JSON.stringify(lockPath)}, '')
      process.stdout.write('locked')
      setTimeout(() => {
        renameSync(${JSON.stringify(`${path}.aside`)}, ${JSON.stringify(path)})
        rmSync(${JSON.stringify(lockPath)})
      }, 100)`
    const reader = `
      import { SharedMap } from ${JSON.stringify(new URL('./shared-map.js', import.meta.url).href)}
      import { spawn } from 'node:child_process'
      const other = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(text)}])
      other.stdout.once('data', () => console.log(SharedMap.open('replaced', { access: 'ro', lockTimeoutMs: 30000 }).get('k')))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', reader], {
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    assert.equal(stdout, 'v\n')
  })

  test('is read-only for those, too, whom it is shared with', () => {
    using map = SharedMap.open('shared', { capacity: '1MiB' })
    map.set('k', 'v')
    using view = SharedMap.open('shared', READ_ONLY)
    using other = SharedMap.attach(structuredClone(view.share()))
    assert.equal(other.get('k'), 'v')
    assert.throws(() => other.set('k', 'w'), { code: 'READ_ONLY' })
    assert.equal(map.stats().participants, 1)
  })

  test('needs no right to write, and trusts who may', { skip: notRoot }, () => {
    const open = (fileMode?: number) => {
      using view = SharedMap.open('trusted', fileMode === undefined ? READ_ONLY : { ...READ_ONLY, fileMode })
      return view.get('k')
    }
    SharedMap.open('trusted', { capacity: '1MiB', fileMode: 0o644 }).set('k', 'v').close()
    const { path } = regionName('trusted')
    chmodSync(directory, 0o755)
    // What it runs is loaded before, with native code: that user may have no right to read where it lies.
    const text = `
      const { SharedMap } = await import(${JSON.stringify(new URL('./shared-map.js', import.meta.url).href)})
      SharedMap.open('trusted', { access: 'ro' }).close()
      process.setuid(${OTHER_USER})
      console.log(SharedMap.open('trusted', { access: 'ro' }).get('k'))
      try { SharedMap.open('trusted') } catch (error) { console.log(error.code) }`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
      encoding: 'utf8',
    })
    assert.deepEqual([stdout, stderr], ['v\nREFUSED\n', ''])
    assert.equal(open(), 'v')
    chownSync(path, OTHER_USER, OTHER_USER)
    assert.throws(() => open(), { code: 'REFUSED', message: /belongs to user 65534.*0o644/ })
    assert.equal(open(0o644), 'v')
    chmodSync(path, 0o666)
    assert.throws(() => open(0o644), { code: 'REFUSED', message: /0666, which lets others write/ })
    assert.equal(open(0o666), 'v')
    renameSync(path, `${path}.aside`)
    symlinkSync(`${path}.aside`, path)
    assert.throws(() => open(0o666), { code: 'REFUSED', message: /symbolic link/ })
  })
})
