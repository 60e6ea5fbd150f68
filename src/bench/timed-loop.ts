/**
 * The timed loops of the table benchmark: one function an operation, so that each is compiled for itself and sees
 * one kind of table in its process. A loop does what a user does with the result and no more: it reads the last
 * character of each value, which also proves that the value was there.
 */
import type { BenchTable } from './contender.js'
import type { Share } from './workload.js'

function getEach(table: BenchTable, keys: readonly string[]): number {
  let sum = 0
  for (const key of keys) {
    const value = table.get(key)
    if (value !== undefined && value !== null) sum += value.charCodeAt(value.length - 1)
  }
  return sum
}

function getOneByOne(table: BenchTable, keys: readonly string[]): (string | undefined | null)[] {
  const values: (string | undefined | null)[] = []
  for (const key of keys) values.push(table.get(key))
  return values
}

function getBatches(table: BenchTable, batches: readonly string[][]): number {
  let sum = 0
  for (const batch of batches) {
    const values = table.getMany?.(batch) ?? getOneByOne(table, batch)
    for (const value of values) {
      if (value !== undefined && value !== null) sum += value.charCodeAt(value.length - 1)
    }
  }
  return sum
}

function setEach(table: BenchTable, keys: readonly string[], values: readonly string[]): number {
  for (let index = 0; index < keys.length; index++) table.set(keys[index] ?? '', values[index] ?? '')
  return 0
}

function deleteEach(table: BenchTable, keys: readonly string[], letters: Uint8Array): number {
  let sum = 0
  for (let index = 0; index < keys.length; index++) {
    if (table.delete(keys[index] ?? '') !== false) sum += letters[index] ?? 0
  }
  return sum
}

function mixEach(table: BenchTable, { keys, values, reads }: Share): number {
  let sum = 0
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? ''
    if (reads[index] === 1) {
      const value = table.get(key)
      if (value !== undefined && value !== null) sum += value.charCodeAt(value.length - 1)
    } else {
      table.set(key, values[index] ?? '')
    }
  }
  return sum
}

/** Loads what belongs into the table before the clock starts. */
export function loadUntimed(table: BenchTable, { untimed }: Share): void {
  if (table.load === undefined) {
    for (const { keys, values } of untimed) setEach(table, keys, values)
  } else {
    table.load(untimed)
  }
}

/** Runs a share; the caller takes the time and compares the sum with the share's own. */
export function runShare(table: BenchTable, share: Share): number {
  switch (share.operation) {
    case 'get':
    case 'hot-get':
    case 'hot-get-same':
      return getEach(table, share.keys)
    case 'get-many':
      return getBatches(table, share.batches)
    case 'set-new':
    case 'set-update':
    case 'hot-set':
      return setEach(table, share.keys, share.values)
    case 'mix-100':
    case 'mix-95':
    case 'mix-50':
    case 'mix-0':
      return mixEach(table, share)
    case 'delete':
      return deleteEach(table, share.keys, share.letters)
  }
}
