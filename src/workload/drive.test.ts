import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../base/random.js'
import { drive, MAX_MISMATCHES, PENDING, type RequestWindow } from './drive.js'
import { generateWorkload } from './generator.js'
import { KIND, RequestList } from './request-list.js'
import { evenShares, type Share, sharesByKey } from './shares.js'

/**
 * A window over a Map. Requests are carried out in order, at moments that a seed chooses: some while they are handed in,
 * some when an answer is asked for. It fails on too many in flight, and on an answer that is taken twice.
 */
class SimulatedWindow implements RequestWindow {
  readonly #table: Map<number, number>
  readonly #width: number
  readonly #random = seededRandom(1)
  readonly #waiting: { id: number; carryOut: () => number }[] = []
  readonly #answers = new Map<number, number>()
  #ids = 0
  mostInFlight = 0

  constructor(table: Map<number, number>, width: number) {
    this.#table = table
    this.#width = width
  }

  put(key: number, value: number): number {
    return this.#submit(() => {
      this.#table.set(key, value)
      return 0
    })
  }

  get(key: number): number {
    return this.#submit(() => this.#table.get(key) ?? 0)
  }

  poll(id: number): number {
    this.#carryOut(this.#random.nextInt(3))
    const answer = this.#answers.get(id)
    if (answer === undefined) return PENDING
    this.#answers.delete(id)
    return answer
  }

  wait(id: number): number {
    while (!this.#answers.has(id)) {
      assert.ok(this.#waiting.length > 0, 'an answer is waited for that can come')
      this.#carryOut(1)
    }
    const answer = this.#answers.get(id) ?? PENDING
    this.#answers.delete(id)
    return answer
  }

  #submit(carryOut: () => number): number {
    const id = ++this.#ids
    this.#waiting.push({ id, carryOut })
    const inFlight = this.#waiting.length + this.#answers.size
    assert.ok(inFlight <= this.#width, 'the window is kept')
    this.mostInFlight = Math.max(this.mostInFlight, inFlight)
    this.#carryOut(this.#random.nextInt(2))
    return id
  }

  #carryOut(most: number): void {
    for (const { id, carryOut } of this.#waiting.splice(0, most)) this.#answers.set(id, carryOut())
  }
}

function listOf(requests: number, skew: number, seed: number): RequestList {
  const list = new RequestList()
  generateWorkload(
    { requests, skew, putRatio: 0.5, seed },
    {
      put: (key, value) => list.push(KIND.PUT, key, value),
      get: (key, value) => list.push(KIND.GET, key, value),
    },
  )
  return list
}

function send({ list, from, to }: Share, table: Map<number, number>, width: number, check = true) {
  return drive(RequestList.attach(list), new SimulatedWindow(table, width), { from, to, width, check })
}

test('a share is sent whole, within its window, with every answer right', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 1, max: 70 }),
      fc.constantFrom(0, 1.2, 2),
      fc.nat(1000),
      (requests, width, skew, seed) => {
        const list = listOf(requests, skew, seed)
        const window = new SimulatedWindow(new Map(), width)
        const result = drive(list, window, { from: 0, to: list.length, width, check: true })
        assert.deepEqual([result.puts + result.gets, result.wrong], [requests, 0])
        assert.equal(window.mostInFlight, Math.min(width, requests))
      },
    ),
  )
})

test('a wrong answer is told with its key and both values, and many are counted', () => {
  const list = listOf(400, 2, 5)
  const gets = Array.from({ length: 400 }, (_, index) => index).filter(
    (index) => list.kindAt(index) === KIND.GET,
  )
  const first = gets[0] ?? 0
  const expected = list.valueAt(first)
  list.expect(first, expected + 1)
  const [share] = evenShares(list, 1)
  assert.ok(share !== undefined)
  const one = send(share, new Map(), 16)
  assert.equal(one.wrong, 1)
  assert.deepEqual(one.mismatches, [{ key: list.keyAt(first), expected: expected + 1, got: expected }])
  for (const index of gets) list.expect(index, 0xffffffff)
  const all = send(share, new Map(), 16)
  assert.equal(all.wrong, gets.length)
  assert.equal(all.mismatches.length, MAX_MISMATCHES)
  assert.equal(send(share, new Map(), 16, false).wrong, 0, 'unchecked, nothing is wrong')
})

test('a request that fails ends the share with its error', () => {
  class FailingWindow extends SimulatedWindow {
    override wait(id: number): number {
      if (id === 20) throw new RangeError('no room')
      return super.wait(id)
    }
    override poll(): number {
      return PENDING
    }
  }
  const list = listOf(100, 0, 1)
  const options = { from: 0, to: 100, width: 8, check: true }
  assert.throws(() => drive(list, new FailingWindow(new Map(), 8), options), /no room/)
})

test('shares hold every request once, in order, the remainder of the division too', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 16 }), (requests, threads) => {
      const list = listOf(requests, 1.5, requests)
      const even = evenShares(list, threads)
      assert.equal(even.length, threads)
      assert.equal(even[0]?.from, 0)
      assert.equal(even.at(-1)?.to, requests)
      for (const [thread, share] of even.entries()) {
        const size = share.to - share.from
        assert.ok(size === Math.floor(requests / threads) || size === Math.ceil(requests / threads))
        if (thread > 0) assert.equal(share.from, even[thread - 1]?.to)
      }
      const byKey = sharesByKey(list, threads).map((share) => contentOf(share))
      const keys = byKey.map((content) => new Set(content.map(({ key }) => key)))
      assert.equal(
        keys.reduce((sum, set) => sum + set.size, 0),
        new Set(keys.flatMap((set) => [...set])).size,
        'a key belongs to one thread',
      )
      const [whole = []] = evenShares(list, 1).map(contentOf)
      for (const [thread, content] of byKey.entries())
        assert.deepEqual(
          content,
          whole.filter(({ key }) => keys[thread]?.has(key)),
        )
      assert.equal(byKey.flat().length, requests)
    }),
  )
})

function contentOf({ list, from, to }: Share): { kind: number; key: number; value: number }[] {
  const requests = RequestList.attach(list)
  return Array.from({ length: to - from }, (_, index) => ({
    kind: requests.kindAt(from + index),
    key: requests.keyAt(from + index),
    value: requests.valueAt(from + index),
  }))
}

test('shared by key, every answer is right whichever thread is first; shared evenly, it is not', () => {
  const list = listOf(2000, 1.3, 9)
  const wrongOf = (shares: readonly Share[]): number => {
    const table = new Map<number, number>()
    return shares.reduce((sum, share) => sum + send(share, table, 32).wrong, 0)
  }
  assert.equal(wrongOf(sharesByKey(list, 4).reverse()), 0)
  assert.equal(wrongOf(sharesByKey(list, 4)), 0)
  assert.ok(wrongOf(evenShares(list, 4).reverse()) > 0)
})
