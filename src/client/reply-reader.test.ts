import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Reply, ReplyReader, RespError } from './reply-reader.js'

function read(chunks: readonly Buffer[]): Reply[] {
  const reader = new ReplyReader()
  const replies: Reply[] = []
  for (const chunk of chunks) {
    reader.feed(chunk)
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply)
  }
  return replies
}

it('replies are the same whole and byte by byte', () => {
  const stream = Buffer.from(
    '+OK\r\n-ERR no\r\n:-5\r\n:9223372036854775807\r\n$-1\r\n$3\r\na\r\n\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n*-1\r\n',
  )
  const expected: Reply[] = [
    'OK',
    new RespError('ERR no'),
    -5,
    9223372036854775807n,
    null,
    Buffer.from('a\r\n'),
    [1, [Buffer.alloc(0)]],
    null,
  ]
  assert.deepEqual(read([stream]), expected)
  assert.deepEqual(read(Array.from(stream, (byte) => Buffer.of(byte))), expected)
})

it('a large value in many chunks is one reply', () => {
  const value = Buffer.alloc(1_000_000, 0x61)
  const stream = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n:1\r\n')])
  const chunks = Array.from({ length: 100 }, (_, i) => stream.subarray(i * 10_001, (i + 1) * 10_001))
  assert.deepEqual(read(chunks), [value, 1])
})

it('bytes that are no replies are refused', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\n',
    '$abc\r\n',
    '*-5\r\n',
    '$99999999999\r\n',
    '*1\r\n'.repeat(100),
  ]) {
    assert.throws(() => read([Buffer.from(text)]), RespError)
  }
})
