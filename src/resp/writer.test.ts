import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import fc from 'fast-check'
import type { ReplyWriter } from '../commands/reply.js'
import { ReplyOverflow, RespWriter } from './writer.js'

/** What `write` makes, as text of one byte a character. */
function written(protocol: 2 | 3, write: (reply: ReplyWriter) => void): string {
  const writer = new RespWriter({ protocol })
  write(writer)
  return flushed(writer)
}

function flushed(writer: RespWriter): string {
  const stream = new PassThrough({ highWaterMark: 1 << 30 })
  writer.flushTo(stream)
  assert.equal(writer.pendingBytes, 0)
  return ((stream.read() as Buffer | null) ?? Buffer.alloc(0)).toString('latin1')
}

it('every reply has its form in both protocols', () => {
  const cases: readonly (readonly [write: (reply: ReplyWriter) => void, resp2: string, resp3: string])[] = [
    [(r) => r.simple('OK'), '+OK\r\n', '+OK\r\n'],
    [(r) => r.error('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
    [(r) => r.error('ERR a\r\n'), '-ERR a\r\n', '-ERR a\r\n'],
    [(r) => r.integer(0), ':0\r\n', ':0\r\n'],
    [(r) => r.integer(-5), ':-5\r\n', ':-5\r\n'],
    [(r) => r.integer(2n ** 63n - 1n), ':9223372036854775807\r\n', ':9223372036854775807\r\n'],
    [(r) => r.bulk('é'), '$2\r\n\xc3\xa9\r\n', '$2\r\n\xc3\xa9\r\n'],
    [(r) => r.bulk(''), '$0\r\n\r\n', '$0\r\n\r\n'],
    [(r) => r.bulk(undefined), '$-1\r\n', '_\r\n'],
    [(r) => r.null(), '$-1\r\n', '_\r\n'],
    [(r) => r.verbatim('hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
    [(r) => r.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
    [(r) => r.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
    [(r) => r.boolean(true), ':1\r\n', '#t\r\n'],
    [(r) => r.boolean(false), ':0\r\n', '#f\r\n'],
    [(r) => r.array(2), '*2\r\n', '*2\r\n'],
    [(r) => r.map(12), '*24\r\n', '%12\r\n'],
  ]
  for (const [write, resp2, resp3] of cases) {
    assert.equal(written(2, write), resp2)
    assert.equal(written(3, write), resp3)
  }
})

it('integers and lengths are written digit by digit', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      assert.equal(
        written(2, (reply) => reply.integer(value)),
        `:${value}\r\n`,
      )
    }),
  )
  for (const value of [0, 9, 10, 99, 100, 999_999_999, 1_000_000_000]) {
    assert.equal(
      written(2, (reply) => reply.array(value)),
      `*${value}\r\n`,
    )
  }
})

it('small and large values come out in order, byte for byte, batch after batch', () => {
  const length = fc.oneof(fc.nat(100), fc.nat(100_000), fc.constantFrom(47, 48, 49, 32_767, 32_768))
  const batches = fc.array(fc.array(length, { maxLength: 8 }), { maxLength: 4 })
  fc.assert(
    fc.property(batches, (lengths) => {
      const writer = new RespWriter({ protocol: 2 })
      for (const batch of lengths) {
        let expected = ''
        for (const [i, bytes] of batch.entries()) {
          const value = Buffer.alloc(bytes, 0x61 + i)
          writer.bulk(value)
          expected += `$${bytes}\r\n${value.toString('latin1')}\r\n`
        }
        assert.equal(writer.pendingBytes, expected.length)
        assert.ok(flushed(writer) === expected)
      }
    }),
  )
})

it('bytes that change after they were copied go out as they were', () => {
  for (const length of [0, 1, 48, 49, 32 * 1024 - 1, 32 * 1024, 100_000]) {
    const bytes = Buffer.alloc(length, 0x61)
    const sent = written(2, (reply) => {
      reply.copied(bytes)
      bytes.fill(0x62)
      reply.copied(undefined)
    })
    assert.equal(sent, `$${length}\r\n${'a'.repeat(length)}\r\n$-1\r\n`)
  }
})

it('a reply can be taken back, large values and all', () => {
  const writer = new RespWriter({ protocol: 2 })
  writer.simple('one')
  writer.bulk(Buffer.alloc(40_000, 0x61))
  writer.mark(0)
  writer.array(3)
  writer.bulk(Buffer.alloc(50_000, 0x62))
  writer.bulk('x'.repeat(100))
  writer.rewind(0)
  writer.error('ERR no')
  assert.ok(flushed(writer) === `+one\r\n$40000\r\n${'a'.repeat(40_000)}\r\n-ERR no\r\n`)
})

it('a reply that would take too much memory ends in an overflow', () => {
  const writer = new RespWriter({ protocol: 2 })
  const large = Buffer.alloc(64 * 1024 * 1024)
  assert.throws(() => {
    for (let i = 0; i < 10; i += 1) writer.bulk(large)
  }, ReplyOverflow)
})
