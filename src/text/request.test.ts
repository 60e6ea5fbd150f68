import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_TEXT_LIMITS } from './limits.js'
import { escapeBytes, unescapeBytes } from './quoting.js'
import { parseRequest } from './request.js'
import { requestLine } from './request-line.js'

const parse = (line: string) => parseRequest(Buffer.from(line, 'latin1'), DEFAULT_TEXT_LIMITS)

function parts(line: string): string[] {
  const request = parse(line)
  assert.ok(typeof request === 'object', `${line}: ${String(request)}`)
  return [request.command, request.key.toString('latin1'), request.value.toString('latin1')]
}

describe('a line of the protocol', () => {
  test('is taken apart as the original did: quotes only stand around', () => {
    const cases: readonly (readonly [line: string, key: string, value: string])[] = [
      ['PUT "k" "v"', 'k', 'v'],
      ["PUT 'k' 'v'", 'k', 'v'],
      ['PUT k v', 'k', 'v'],
      ['put  k \t v w  ', 'k', 'v w'],
      ['PUT "a b" c d', 'a b', 'c d'],
      ['PUT user:42 {"name": "Alice", "balance": 500}', 'user:42', '{"name": "Alice", "balance": 500}'],
      ['PUT "user:42" "{"name": "Alice"}"', 'user:42', '{"name": "Alice"}'],
      ['PUT k "say "hi" to \\n"', 'k', 'say "hi" to \\n'],
      ['PUT k "', 'k', '"'],
      ['PUT k ""', 'k', ''],
      ['PUT "" v', '', 'v'],
      ['PUT k "v\'', 'k', '"v\''],
      ['PUT k "v" w', 'k', '"v" w'],
      ['PUT k " v "', 'k', ' v '],
      ['PUT k "$"x""', 'k', '$"x"'],
      ['PUT $k v', '$k', 'v'],
    ]
    for (const [line, key, value] of cases) assert.deepEqual(parts(line), ['PUT', key, value], line)
    for (const command of ['GET', 'DELETE', 'EXISTS']) {
      assert.deepEqual(parts(`${command} "a b" `), [command, 'a b', ''])
      assert.deepEqual(parts(`${command.toLowerCase()} 'a'`), [command, 'a', ''])
    }
    for (const command of ['SIZE', 'PING', 'FLUSH', 'STATS'])
      assert.deepEqual(parts(` ${command} `), [command, '', ''])
    assert.equal(parse(''), undefined)
    assert.equal(parse(' \t'), undefined)
  })

  test('carries what no line can hold in the escaped form', () => {
    assert.deepEqual(parts('PUT $"a\\nb\\"" $"c\\\\d\\r\\t\\x00\\xFf"'), ['PUT', 'a\nb"', 'c\\d\r\t\0\xff'])
    assert.deepEqual(parts('GET $"a\\x20b"'), ['GET', 'a b', ''])
  })

  test('that is wrong is refused with what is wrong and what to do', () => {
    const cases: readonly (readonly [line: string, sentence: RegExp])[] = [
      ['NOPE x', /^there is no command NOPE; there are PUT, GET/],
      ['\x16\x03\x01', /^there is no command \\x16\\x03\\x01/],
      ['__proto__ k', /no command __proto__/],
      ['constructor', /no command constructor/],
      ['GET', /^GET takes a key: GET key$/],
      ['GET a b', /nothing more; put a key with blanks within quotes/],
      ['PUT', /^PUT takes a key: PUT key value$/],
      ['PUT k', /^PUT takes a value behind the key; the empty one is ""$/],
      ['PUT "k v', /^the key begins with " but does not end with one$/],
      ['PUT "k"v', /^a blank comes behind a quoted key/],
      ['GET "k"v', /^a blank comes behind a quoted key/],
      ['PUT k $"v', /ends with "/],
      ['PUT k $"v" w', /nothing comes behind a value/],
      ['PUT k $"\\q"', /after a backslash/],
      ['PUT k $"\\x1"', /after a backslash/],
      ['PUT k $"\\', /after a backslash/],
      ['GET $"k', /ends with "/],
      ['SIZE now', /^SIZE takes nothing behind it$/],
      [`GET ${'k'.repeat(1025)}`, /^the key has 1025 bytes; the limit is 1024 \(max_key_size\)$/],
      [`PUT k ${'v'.repeat(65_537)}`, /^the value has 65537 bytes; the limit is 65536 \(max_value_size\)$/],
    ]
    for (const [line, sentence] of cases) {
      const found = parse(line)
      assert.equal(typeof found, 'string', line)
      assert.match(String(found), sentence)
      assert.doesNotMatch(String(found), /[\r\n\0]/)
    }
    assert.equal(typeof parse(`PUT ${'k'.repeat(1024)} ${'v'.repeat(65_536)}`), 'object')
  })

  test('says what a client meant, whatever bytes key and value are', () => {
    const bytes = fc.uint8Array({ maxLength: 40 })
    const odd = fc.array(
      fc.constantFrom('"', "'", '\\', '$', '\n', '\r', ' ', '\t', 'x', '\0', 'n', '\xff'),
      {
        maxLength: 12,
      },
    )
    const text = fc.oneof(
      bytes,
      odd.map((chars) => new Uint8Array(Buffer.from(chars.join(''), 'latin1'))),
    )
    fc.assert(
      fc.property(text, text, (key, value) => {
        const line = requestLine('PUT', key, value)
        assert.equal(line.indexOf('\n'), line.length - 1)
        assert.ok(!line.includes('\r'))
        const found = parseRequest(line.subarray(0, -1), DEFAULT_TEXT_LIMITS)
        assert.deepEqual(found, { command: 'PUT', key: Buffer.from(key), value: Buffer.from(value) })
        const get = parseRequest(requestLine('GET', key).subarray(0, -1), DEFAULT_TEXT_LIMITS)
        assert.deepEqual(get, { command: 'GET', key: Buffer.from(key), value: Buffer.alloc(0) })
      }),
    )
  })

  test('any bytes are a request or a sentence, never an exception', () => {
    const chars = fc.constantFrom('P', 'U', 'T', ' ', '"', '$', '\\', "'", 'x', '0', '\t', '\0')
    fc.assert(
      fc.property(fc.array(chars, { maxLength: 30 }), (line) => {
        for (const text of [line.join(''), `PUT ${line.join('')}`]) {
          const found = parse(text)
          assert.ok(found === undefined || typeof found === 'string' || found.key.length <= text.length)
        }
      }),
    )
  })

  test('the escaped form gives back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const escaped = escapeBytes(bytes)
        assert.deepEqual(unescapeBytes(escaped, 0), { bytes: Buffer.from(bytes), end: escaped.length })
      }),
    )
  })
})
