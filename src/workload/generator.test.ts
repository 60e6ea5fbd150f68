import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../base/random.js'
import { FileFault } from './file-fault.js'
import { generateWorkload, type WorkloadOptions } from './generator.js'
import { readSolution, readWorkload } from './request-file.js'
import { KIND } from './request-list.js'
import { writeWorkload } from './workload-writer.js'
import { zipfSampler } from './zipf-sampler.js'

const folder = mkdtempSync(join(tmpdir(), 'hearth-workload-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const PATHS = { workload: join(folder, 'workload.txt'), solution: join(folder, 'solution.txt') }

type Request = readonly ['put' | 'get', number, number]

function requestsOf(options: WorkloadOptions): Request[] {
  const requests: Request[] = []
  generateWorkload(options, {
    put: (key, value) => requests.push(['put', key, value]),
    get: (key, value) => requests.push(['get', key, value]),
  })
  return requests
}

const OPTIONS = fc.record({
  requests: fc.integer({ min: 0, max: 400 }),
  skew: fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 1.001, max: 5, noNaN: true })),
  putRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer({ min: 0, max: 0xffffffff }),
})

test('every answer is that of the requests carried out one by one, and GETs ask for keys that are put', () => {
  fc.assert(
    fc.property(OPTIONS, (options) => {
      const requests = requestsOf(options)
      const puts = requests.filter(([kind]) => kind === 'put')
      assert.equal(requests.length, options.requests)
      assert.equal(puts.length, Math.round(options.requests * options.putRatio))
      const putKeys = new Set(puts.map(([, key]) => key))
      if (options.skew <= 1) assert.equal(putKeys.size, puts.length)
      const table = new Map<number, number>()
      for (const [kind, key, value] of requests) {
        if (kind === 'put') {
          assert.ok(value >= 1 && value <= 0xffffffff)
          table.set(key, value)
        } else {
          assert.equal(value, table.get(key) ?? 0)
          if (puts.length > 0) assert.ok(putKeys.has(key))
        }
      }
    }),
  )
})

test('one seed makes one workload, another seed another', () => {
  const options = { requests: 100, skew: 1.5, putRatio: 0.5, seed: 7 }
  assert.deepEqual(requestsOf(options), requestsOf(options))
  assert.notDeepEqual(requestsOf(options), requestsOf({ ...options, seed: 8 }))
})

test('PUTs are spread over the workload, and so are the keys that GETs ask for', () => {
  const requests = requestsOf({ requests: 100_000, skew: 0, putRatio: 0.5, seed: 1 })
  const putsInFirstHalf = requests.slice(0, 50_000).filter(([kind]) => kind === 'put').length
  assert.ok(Math.abs(putsInFirstHalf - 25_000) < 600, String(putsInFirstHalf))
  const missed = requests.filter(([kind, , value]) => kind === 'get' && value === 0).length
  // A GET and the PUT of its key come in either order, equally often.
  assert.ok(Math.abs(missed - 25_000) < 800, String(missed))
})

/** Sum over ranks of (seen - expected)² / expected: about `count` for draws of that distribution. */
function chiSquared(draw: () => number, count: number, exponent: number, draws: number): number {
  const seen = new Float64Array(count + 1)
  for (let i = 0; i < draws; i++) seen[draw()]!++
  let total = 0
  for (let rank = 1; rank <= count; rank++) total += rank ** -exponent
  let sum = 0
  for (let rank = 1; rank <= count; rank++) {
    const expected = (draws * rank ** -exponent) / total
    sum += (seen[rank]! - expected) ** 2 / expected
  }
  return sum
}

test("ranks are drawn by Zipf's law, which the count of each rank shows", () => {
  for (const [count, exponent] of [
    [1, 1.5],
    [2, 2],
    [50, 1.01],
    [50, 1.5],
    [20, 3],
  ] as const) {
    const draw = zipfSampler(count, exponent, seededRandom(count))
    const sum = chiSquared(draw, count, exponent, 200_000)
    // The mean of the sum is count - 1, its deviation the root of twice that: six of them away.
    assert.ok(sum < count + 6 * Math.sqrt(2 * count), `${count} ranks, ${exponent}: ${sum}`)
  }
  // Even ranks are not Zipf's: the measure can fail.
  const random = seededRandom(1)
  assert.ok(chiSquared(() => 1 + random.nextInt(50), 50, 1.5, 200_000) > 10_000)
})

test('with skew above 1 few keys take most of the PUTs', () => {
  const requests = requestsOf({ requests: 20_000, skew: 1.5, putRatio: 0.5, seed: 1 })
  const counts = new Map<number, number>()
  for (const [, key] of requests) counts.set(key, (counts.get(key) ?? 0) + 1)
  const most = Math.max(...counts.values())
  assert.ok(most > 20_000 * 0.3, String(most))
})

test('what is written is read again, request by request', () => {
  const options = { requests: 20_000, skew: 1.2, putRatio: 0.3, seed: 3 }
  const blocks: number[] = []
  const counts = writeWorkload(options, PATHS, (done) => blocks.push(done))
  assert.deepEqual(counts, { puts: 6000, gets: 14_000 })
  assert.deepEqual(blocks, [8192, 16_384])
  const requests = readWorkload(PATHS.workload)
  readSolution(PATHS.solution, requests)
  const read = Array.from({ length: requests.length }, (_, index): Request => {
    const kind = requests.kindAt(index) === KIND.PUT ? 'put' : 'get'
    return [kind, requests.keyAt(index), requests.valueAt(index)]
  })
  assert.deepEqual(read, requestsOf(options))
})

test('options that cannot be are refused before a file is emptied', () => {
  writeFileSync(PATHS.workload, 'kept')
  const options = { requests: 10, skew: 0, putRatio: 0.5, seed: 1 }
  for (const [wrong, name] of [
    [{ requests: -1 }, /requests/],
    [{ requests: 1.5 }, /requests/],
    [{ requests: 2_000_000_000 }, /requests/],
    [{ skew: Number.NaN }, /skew/],
    [{ skew: -0.1 }, /skew/],
    [{ putRatio: 1.1 }, /ratio/],
    [{ putRatio: Number.NaN }, /ratio/],
    [{ seed: 0.5 }, /seed/],
  ] as const) {
    assert.throws(
      () => writeWorkload({ ...options, ...wrong }, PATHS),
      (error) => error instanceof RangeError && name.test(error.message),
    )
  }
  assert.equal(readFileSync(PATHS.workload, 'utf8'), 'kept')
  const nowhere = join(folder, 'no-folder', 'workload.txt')
  assert.throws(() => writeWorkload(options, { ...PATHS, workload: nowhere }), FileFault)
})
