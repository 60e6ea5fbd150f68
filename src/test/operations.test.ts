/** The operations of lanes over both stores: what each asks and answers, and that nothing in a request is believed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isOperationError } from '../base/errors.js'
import { Message } from '../channel/message.js'
import { readFailure } from '../commands/operations/failure.js'
import { FieldReader, FieldWriter } from '../commands/operations/fields.js'
import { FLAGS, NUMBER_KIND, STATUS, valueIn } from '../commands/operations/operation.js'
import { OPERATIONS, type OperationName, runOperation } from '../commands/operations/operation-table.js'
import { numberField } from '../commands/operations/together.js'
import { PlainRequests } from '../server/plain-requests.js'
import { DirectStore } from '../store/direct-store.js'
import { MapStore } from '../store/map-store.js'
import type { Store } from '../store/store.js'

interface Asked {
  readonly key?: string
  readonly value?: string | Uint8Array
  readonly first?: number
  readonly second?: number
  readonly flags?: number
}

interface Answer {
  readonly status: number
  readonly value: string
  readonly first: number
  readonly second: number
  readonly failure: Error | undefined
}

const bytesOf = (value: string | Uint8Array): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value, 'latin1') : value

function ask(store: Store, name: OperationName | number, asked: Asked = {}): Answer {
  const request = new Message()
  const reply = new Message()
  request.clear(typeof name === 'number' ? name : OPERATIONS[name].code)
  request.fill(Buffer.from(asked.key ?? '', 'latin1'), bytesOf(asked.value ?? ''))
  request.first = asked.first ?? 0
  request.second = asked.second ?? 0
  request.flags = asked.flags ?? 0
  const runCommand = (args: readonly Buffer[]) => Buffer.from(`+${args.join(' ')}\r\n`)
  // Where it can be, as lane workers do it.
  const plain = store instanceof DirectStore ? new PlainRequests(store) : undefined
  plain?.lookAhead([request, request], 2)
  const isDone = plain?.run(request, reply) === true
  plain?.finish()
  if (!isDone) runOperation({ store, runCommand }, request, reply)
  const value = valueIn(reply).toString('latin1')
  return { status: reply.code, value, first: reply.first, second: reply.second, failure: readFailure(reply) }
}

const list = (...fields: (string | undefined)[]): Buffer => {
  const writer = new FieldWriter()
  for (const field of fields) writer.add(field === undefined ? undefined : Buffer.from(field, 'latin1'))
  return Buffer.from(writer.view())
}
const fieldsOf = (text: string): string[] =>
  new FieldReader(Buffer.from(text, 'latin1')).rest().map((field) => field.toString('latin1'))

const { YES, NO } = STATUS

function describeOperations(name: string, open: () => { store: Store; close: () => void }): void {
  const withStore = (work: (store: Store) => void) => (): void => {
    const { store, close } = open()
    try {
      work(store)
    } finally {
      close()
    }
  }
  describe(`operations over ${name}`, () => {
    it(
      'sets, gets, takes and deletes',
      withStore((store) => {
        assert.equal(ask(store, 'get', { key: 'k' }).status, NO)
        assert.equal(ask(store, 'set', { key: 'k', value: 'v' }).status, YES)
        assert.equal(ask(store, 'get', { key: 'k' }).value, 'v')
        assert.equal(ask(store, 'has', { key: 'k' }).status, YES)
        assert.equal(ask(store, 'insert', { key: 'k', value: 'w' }).status, NO)
        assert.equal(ask(store, 'replace', { key: 'k', value: 'w' }).status, YES)
        assert.equal(ask(store, 'replace', { key: 'other', value: 'w' }).status, NO)
        assert.equal(ask(store, 'exchange', { key: 'k', value: 'x' }).value, 'w')
        assert.equal(ask(store, 'exchange', { key: 'new', value: 'x' }).status, NO)
        assert.equal(ask(store, 'take', { key: 'k' }).value, 'x')
        assert.equal(ask(store, 'take', { key: 'k' }).status, NO)
        assert.equal(ask(store, 'delete', { key: 'new' }).status, YES)
        assert.equal(ask(store, 'delete', { key: 'new' }).status, NO)
        assert.equal(ask(store, 'set', { key: '', value: '' }).status, YES)
        assert.deepEqual([ask(store, 'get').status, ask(store, 'get').value], [YES, ''])
        assert.equal(ask(store, 'size').first, 1)
        assert.equal(ask(store, 'clear').status, YES)
        assert.equal(ask(store, 'size').first, 0)
      }),
    )
    it(
      'sets by version and by value',
      withStore((store) => {
        ask(store, 'set', { key: 'k', value: '1' })
        const { first: version, second: ttl, value } = ask(store, 'getEntry', { key: 'k' })
        assert.deepEqual([value, ttl], ['1', Infinity])
        const same = { key: 'k', value: '2', flags: FLAGS.IF_VERSION, second: version }
        assert.equal(ask(store, 'set', same).status, YES)
        assert.ok(isOperationError(ask(store, 'set', same).failure, 'ABORTED'))
        assert.ok(isOperationError(ask(store, 'set', { ...same, second: 0 }).failure, 'ABORTED'))
        assert.equal(ask(store, 'compareAndSet', { key: 'k', value: '23', first: 1 }).status, YES)
        assert.equal(ask(store, 'compareAndSet', { key: 'k', value: '23', first: 1 }).status, NO)
        assert.equal(ask(store, 'compareAndSet', { key: 'none', value: '23', first: 1 }).status, NO)
        assert.equal(ask(store, 'get', { key: 'k' }).value, '3')
        assert.equal(ask(store, 'compareAndDelete', { key: 'k', value: '2' }).status, NO)
        assert.equal(ask(store, 'compareAndDelete', { key: 'k', value: '3' }).status, YES)
        assert.equal(ask(store, 'compareAndDelete', { key: 'k', value: '3' }).status, NO)
        assert.equal(ask(store, 'getEntry', { key: 'none' }).status, NO)
      }),
    )
    it(
      'gives, keeps and takes away times to live',
      withStore((store) => {
        assert.equal(ask(store, 'remainingTtl', { key: 'k' }).status, NO)
        ask(store, 'set', { key: 'k', value: 'v', first: 60_000 })
        const { second } = ask(store, 'remainingTtl', { key: 'k' })
        assert.ok(second > 0 && second <= 60_000)
        ask(store, 'set', { key: 'k', value: 'v', flags: FLAGS.KEEP_TTL })
        assert.notEqual(ask(store, 'remainingTtl', { key: 'k' }).second, Infinity)
        assert.equal(ask(store, 'persist', { key: 'k' }).status, YES)
        assert.equal(ask(store, 'persist', { key: 'k' }).status, NO)
        assert.equal(ask(store, 'remainingTtl', { key: 'k' }).second, Infinity)
        assert.equal(ask(store, 'expire', { key: 'k', first: 0.5 }).status, YES)
        assert.equal(ask(store, 'expire', { key: 'none', first: 5 }).status, NO)
        ask(store, 'set', { key: 'k', value: 'v' })
        assert.equal(ask(store, 'remainingTtl', { key: 'k' }).second, Infinity)
      }),
    )
    it(
      'counts in decimal text, in the range of its kind',
      withStore((store) => {
        const by = (value: string, flags: number, first = 0) =>
          ask(store, 'increment', { key: 'n', value, flags, first })
        const { INT32, INT64, UINT32, FLOAT64 } = NUMBER_KIND
        const made = by('5', INT32, 60_000)
        assert.equal(made.value, '5')
        assert.ok(made.second > 0 && made.second <= 60_000)
        assert.ok(by('-7', INT32, 90_000).second <= 60_000, 'the ttl is that of the first')
        assert.equal(ask(store, 'get', { key: 'n' }).value, '-2')
        assert.ok(isOperationError(by('1', UINT32).failure, 'BAD_VALUE'))
        assert.equal(by('2147483649', INT32).value, '2147483647')
        assert.ok(isOperationError(by('1', INT32).failure, 'BAD_VALUE'))
        assert.equal(by('1', UINT32).value, '2147483648')
        assert.equal(by('9223372034707292159', INT64).value, '9223372036854775807')
        assert.ok(isOperationError(by('1', INT64).failure, 'BAD_VALUE'))
        assert.equal(ask(store, 'get', { key: 'n' }).value, '9223372036854775807')
        ask(store, 'set', { key: 'n', value: '0.5' })
        assert.equal(by('0.25', FLOAT64).value, '0.75')
        assert.ok(isOperationError(by('1', INT64).failure, 'BAD_VALUE'))
        for (const text of ['', ' 1', '1 ', '0x10', 'Infinity', 'NaN', '1e999', '1'.repeat(500)])
          assert.ok(isOperationError(by(text, FLOAT64).failure, 'BAD_VALUE'), text)
        for (const text of ['', '01', '+1', '1.0', '99999999999999999999'])
          assert.ok(isOperationError(by(text, INT64).failure, 'BAD_VALUE'), text)
        assert.ok(by('1', 77).failure instanceof RangeError)
        assert.equal(ask(store, 'get', { key: 'n' }).value, '0.75')
      }),
    )
    it(
      'handles many keys, pages of keys, and commands',
      withStore((store) => {
        const entries = Array.from({ length: 500 }, (_, i) => [`key ${i}`, `value ${i}`] as const)
        assert.equal(ask(store, 'setMany', { value: list(...entries.flat()) }).status, YES)
        const got = ask(store, 'getMany', { value: list('key 7', 'none', 'key 499') })
        assert.equal(got.first, 3)
        const values = new FieldReader(Buffer.from(got.value, 'latin1'))
        assert.equal(values.nextOrAbsent()?.toString(), 'value 7')
        assert.equal(values.nextOrAbsent(), undefined)
        assert.equal(values.nextOrAbsent()?.toString(), 'value 499')
        const seen: string[] = []
        let cursor = 0
        do {
          const page = ask(store, 'scan', { first: cursor, second: 30 })
          seen.push(...fieldsOf(page.value))
          cursor = page.first
        } while (cursor !== 0)
        assert.deepEqual(seen.sort(), entries.map(([key]) => key).sort())
        assert.equal((JSON.parse(ask(store, 'stats').value) as { entries: number }).entries, 500)
        assert.equal(ask(store, 'command', { value: list('echo', 'hi') }).value, '+echo hi\r\n')
      }),
    )
    it(
      'reads and changes several keys at one moment',
      withStore((store) => {
        const number = (value: number): string => numberField(value).toString('latin1')
        ask(store, 'set', { key: 'a', value: '1', first: 60_000 })
        const read = ask(store, 'readTogether', { value: list('a', 'b') })
        const fields = new FieldReader(Buffer.from(read.value, 'latin1'))
        const found = fields.next()
        assert.equal(found.subarray(4).toString(), '1')
        assert.equal(fields.nextOrAbsent(), undefined)
        const version = number(found.readUInt32LE())
        const watched = [number(2), 'a', version, 'b', number(0)]
        const change = list(...watched, 'a', '2', 'b', '3', 'c', undefined)
        assert.equal(ask(store, 'writeTogether', { value: change }).status, YES)
        assert.equal(ask(store, 'writeTogether', { value: change }).status, NO)
        assert.equal(ask(store, 'get', { key: 'a' }).value, '2')
        assert.notEqual(ask(store, 'remainingTtl', { key: 'a' }).second, Infinity)
        const away = list(number(0), 'a', undefined, 'b', undefined)
        assert.equal(ask(store, 'writeTogether', { value: away }).status, YES)
        assert.equal(store.size, 0)
        for (const value of [list(), list('xx'), list(number(5), 'a', version), list(number(2 ** 32 - 1))])
          assert.ok(ask(store, 'writeTogether', { value }).failure instanceof RangeError)
      }),
    )
    it(
      'answers what cannot be with an error, and changes nothing',
      withStore((store) => {
        ask(store, 'set', { key: 'k', value: 'v' })
        const wrong: [OperationName | number, Asked][] = [
          [0, {}],
          [200, {}],
          [256, {}],
          ['set', { key: 'k', value: 'w', first: Number.NaN }],
          ['set', { key: 'k', value: 'w', first: -1 }],
          ['set', { key: 'k', value: 'w', first: 1e300 }],
          ['set', { key: 'k', value: 'w', flags: FLAGS.IF_VERSION, second: 1.5 }],
          ['set', { key: 'k', value: 'w', flags: FLAGS.IF_VERSION, second: Number.NaN }],
          ['set', { key: 'k'.repeat(70_000), value: 'w' }],
          ['expire', { key: 'k', first: 0 }],
          ['compareAndSet', { key: 'k', value: 'vw', first: 3 }],
          ['compareAndSet', { key: 'k', value: 'vw', first: -1 }],
          ['scan', { first: -1, second: 5 }],
          ['scan', { first: 0.5, second: 5 }],
          ['scan', { first: 0, second: 0 }],
          ['getMany', { value: 'abc' }],
          ['getMany', { value: Buffer.from('ffffff7f', 'hex') }],
          ['setMany', { value: list('k') }],
          ['setMany', { value: list(undefined, 'w') }],
          ['command', {}],
        ]
        for (const [name, asked] of wrong) {
          const { failure } = ask(store, name, asked)
          assert.ok(failure instanceof RangeError || failure instanceof TypeError, `${name}: ${failure}`)
        }
        assert.equal(ask(store, 'get', { key: 'k' }).value, 'v')
        assert.equal(store.size, 1)
      }),
    )
    it(
      'survives random requests',
      withStore((store) => {
        const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 53))
        const request = fc.record({
          key: fc.string({ unit: 'binary-ascii', maxLength: 20 }),
          value: fc.uint8Array({ maxLength: 60 }),
          first: number,
          second: number,
          flags: fc.nat(255),
        })
        fc.assert(
          fc.property(fc.nat(255), request, (code, asked) => {
            const { status } = ask(store, code, asked)
            assert.ok(status >= STATUS.YES && status <= STATUS.RANGE_ERROR)
          }),
          { numRuns: 2000 },
        )
      }),
    )
  })
}

describeOperations('a MapStore', () => ({ store: new MapStore(), close: () => {} }))
describeOperations('the shared table', () => {
  const store = DirectStore.create({ capacityBytes: 4 * 1024 * 1024 })
  return { store, close: () => store.close() }
})
