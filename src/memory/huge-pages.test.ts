import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { platform } from 'node:os'
import { test } from 'node:test'
import { MIB } from '../base/limits.js'
import { SharedArrayRegion } from './shared-array-region.js'

/** `[never]`, or a system that has no such pages: then there is nothing to see. */
function isOffered(): boolean {
  if (platform() !== 'linux') return false
  try {
    return !readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'latin1').includes('[never]')
  } catch {
    return false
  }
}

/** Mappings of this process that have asked for huge pages, in bytes. */
function askedBytes(): number {
  let sum = 0
  for (const [, size, flags] of readFileSync('/proc/self/smaps', 'latin1').matchAll(
    /^Size:\s+(\d+) kB[\s\S]*?^VmFlags: (.*)$/gm,
  ))
    if (flags!.split(' ').includes('hg')) sum += Number(size) * 1024
  return sum
}

test('large regions ask for huge pages, small ones and those that do not want them do not', {
  skip: isOffered() ? false : 'the system has no huge pages to ask for',
}, () => {
  const before = askedBytes()
  const plain = [SharedArrayRegion.create([64 * MIB]), SharedArrayRegion.create([160 * MIB], false)]
  assert.equal(askedBytes() - before, 0)
  const large = SharedArrayRegion.create([160 * MIB])
  const asked = askedBytes() - before
  assert.ok(asked >= 159 * MIB && asked <= 161 * MIB, `${asked} bytes`)
  assert.equal(plain.length + large.segments.length, 3)
})
