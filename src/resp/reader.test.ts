import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_RESP_COMMAND_BYTES, MAX_RESP_INLINE_BYTES, MIB } from '../base/limits.js'
import { ProtocolError, RespReader } from './reader.js'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Every command of `chunks` as texts; ends with the error's text if there is one. */
function readAll(chunks: readonly Buffer[]): (string[] | string)[] {
  const reader = new RespReader()
  const kept: (readonly Buffer[])[] = []
  try {
    for (const chunk of chunks) {
      // The reader owns what it is fed, and nothing of it may change afterwards.
      reader.feed(Buffer.from(chunk))
      for (let args = reader.next(); args !== undefined; args = reader.next()) kept.push(args)
    }
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return [...kept.map(textsOf), error.message]
  }
  return kept.map(textsOf)
}

const textsOf = (args: readonly Buffer[]): string[] => args.map((arg) => arg.toString('latin1'))
const read = (text: string): (string[] | string)[] => readAll([latin1(text)])
const encode = (args: readonly Buffer[]): Buffer =>
  Buffer.concat([
    latin1(`*${args.length}\r\n`),
    ...args.flatMap((arg) => [latin1(`$${arg.length}\r\n`), arg, latin1('\r\n')]),
  ])

/** Cuts at the given places, in any order. */
function cutAt(stream: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % (stream.length + 1)), stream.length].sort((a, b) => a - b)
  return cuts.slice(1).map((end, i) => stream.subarray(cuts[i] ?? 0, end))
}

const argument = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const command = fc.array(argument, { minLength: 1, maxLength: 5 })

describe('RespReader', () => {
  it('gives the same commands however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 8 }), fc.array(fc.nat()), (commands, places) => {
        const stream = Buffer.concat(commands.map(encode))
        const expected = commands.map(textsOf)
        assert.deepEqual(readAll([stream]), expected)
        assert.deepEqual(readAll(cutAt(stream, places)), expected)
      }),
    )
  })

  it('gives the same commands one byte at a time', () => {
    const stream = latin1(
      '*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n*0\r\n*-1\r\n\r\n*1\r\n$0\r\n\r\nECHO "a b"\r\n',
    )
    const expected = [['GET', 'a'], ['PING'], [''], ['ECHO', 'a b']]
    assert.deepEqual(readAll([stream]), expected)
    assert.deepEqual(readAll(Array.from(stream, (byte) => Buffer.of(byte))), expected)
  })

  it('takes values larger than any chunk', () => {
    const value = Buffer.alloc(1_000_000, 0x76)
    const stream = encode([latin1('SET'), latin1('k'), value])
    const chunks: Buffer[] = []
    for (let at = 0; at < stream.length; at += 1000) chunks.push(stream.subarray(at, at + 1000))
    assert.deepEqual(readAll(chunks), [['SET', 'k', value.toString('latin1')]])
  })

  it('never fails otherwise than by a protocol error, whatever comes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '*',
          '$',
          '\r\n',
          '\n',
          '\r',
          '-',
          '1',
          '3',
          '0',
          '"',
          "'",
          '\\x',
          ' ',
          '*1\r\n',
          '$4\r\nPING',
        )
        .map(latin1),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat()), (pieces, places) => {
        const stream = Buffer.concat(pieces)
        assert.deepEqual(readAll(cutAt(stream, places)), readAll([stream]))
      }),
      { numRuns: 2000 },
    )
  })

  it('words its errors as Redis does', () => {
    const cases: readonly (readonly [stream: string, explanation: string])[] = [
      ['*abc\r\n', 'invalid multibulk length'],
      ['*\r\n', 'invalid multibulk length'],
      ['* 1\r\n', 'invalid multibulk length'],
      ['*1 \r\n', 'invalid multibulk length'],
      ['*+1\r\n', 'invalid multibulk length'],
      ['*01\r\n', 'invalid multibulk length'],
      ['*-0\r\n', 'invalid multibulk length'],
      ['*0x10\r\n', 'invalid multibulk length'],
      ['*1e3\r\n', 'invalid multibulk length'],
      ['*2147483647\r\n', 'invalid multibulk length'],
      ['*9223372036854775808\r\n', 'invalid multibulk length'],
      [`*${'1'.repeat(70_000)}\r\n`, 'invalid multibulk length'],
      [`*${'1'.repeat(70_000)}`, 'too big mbulk count string'],
      ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
      ['*1\r\n:1\r\n', "expected '$', got ':'"],
      ['*1\r\n$-1\r\n', 'invalid bulk length'],
      ['*1\r\n$-10\r\n', 'invalid bulk length'],
      ['*1\r\n$abc\r\n', 'invalid bulk length'],
      ['*1\r\n$2147483647\r\n', 'invalid bulk length'],
      ['*1\r\n$9223372036854775808\r\n', 'invalid bulk length'],
      [`*1\r\n$${'1'.repeat(70_000)}`, 'too big bulk count string'],
      ['*2\r\n$2\r\nGET\r\n$1\r\na\r\n', "expected '$', got '\n'"],
      ['GET "a\r\n', 'unbalanced quotes in request'],
      ['GET "a"b\r\n', 'unbalanced quotes in request'],
      ['a'.repeat(MAX_RESP_INLINE_BYTES + 1), 'too big inline request'],
    ]
    for (const [stream, explanation] of cases) {
      assert.deepEqual(read(stream), [`ERR Protocol error: ${explanation}`], stream.slice(0, 40))
    }
  })

  it('waits for what was announced without setting memory aside', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 200 }, () => {
      const reader = new RespReader()
      reader.feed(latin1('*1000000\r\n$67108864\r\nabc'))
      assert.equal(reader.next(), undefined)
      return reader
    })
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024)
    assert.equal(readers.length, 200)
  })

  it('takes arguments up to the limit of a whole command, and not a byte more', () => {
    const bulkBytes = 4 * MIB
    const bulks = MAX_RESP_COMMAND_BYTES / bulkBytes
    // One chunk serves for all: the reader keeps windows of it.
    const chunk = Buffer.concat([latin1(`$${bulkBytes}\r\n`), Buffer.alloc(bulkBytes), latin1('\r\n')])
    const readerOf = (args: number): RespReader => {
      const reader = new RespReader()
      reader.feed(latin1(`*${args}\r\n`))
      assert.equal(reader.next(), undefined)
      for (let i = 0; i < bulks - 1; i++) {
        reader.feed(chunk)
        assert.equal(reader.next(), undefined)
      }
      reader.feed(chunk)
      return reader
    }
    assert.equal(readerOf(bulks).next()?.length, bulks)
    const reader = readerOf(bulks + 1)
    assert.equal(reader.next(), undefined)
    reader.feed(latin1('$1\r\n'))
    assert.throws(() => reader.next(), new ProtocolError('too big command'))
  })

  it('ignores empty commands', () => {
    assert.deepEqual(read('*0\r\n*-10\r\n\r\n  \r\nPING\r\n'), [['PING']])
  })
})

describe('inline commands', () => {
  it('know quotes and escapes', () => {
    assert.deepEqual(read('SET  a\tb\r\n'), [['SET', 'a', 'b']])
    assert.deepEqual(read('ECHO "\\x41\\n\\q\\xzz \'"\n'), [['ECHO', "A\nqxzz '"]])
    assert.deepEqual(read("ECHO 'it\\'s \\n'\n"), [['ECHO', "it's \\n"]])
    assert.deepEqual(read('ECHO ""\n'), [['ECHO', '']])
    assert.deepEqual(read('ECHO a"b c"\n'), [['ECHO', 'ab c']])
  })
})
