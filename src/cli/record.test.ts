import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { UsageError } from './exit.js'
import { parseRecord, recordOf } from './record.js'

it('an entry comes back from its line, whatever its bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array)),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, bytes, fc.option(fc.nat(), { nil: undefined }), (key, value, ttlMs) => {
      const line = JSON.stringify(recordOf(key, value, ttlMs ?? -1))
      assert.deepEqual(parseRecord(line), { key, value, ttlMs })
    }),
  )
})

it('text stays readable, other bytes become base64', () => {
  assert.deepEqual(recordOf(Buffer.from('é'), Buffer.of(0xff), -1), { key: 'é', value64: '/w==' })
  assert.deepEqual(recordOf(Buffer.from('\ufeffa'), Buffer.from(''), 5), {
    key: '\ufeffa',
    value: '',
    ttlMs: 5,
  })
})

it('a wrong line is refused with the reason', () => {
  const wrong: readonly (readonly [line: string, reason: RegExp])[] = [
    ['', /not a JSON object/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"key":"a"}', /either "value" or "value64"/],
    ['{"key":"a","value":"1","value64":"MQ=="}', /either "value" or "value64"/],
    ['{"key":1,"value":"1"}', /"key" is a text/],
    ['{"key64":"?","value":"1"}', /"key64" is base64/],
    ['{"key":"a","value":"1","ttlMs":-1}', /ttlMs/],
    ['{"key":"a","value":"1","ttlMs":"1"}', /ttlMs/],
    ['{"key":"a","value":"1","ttlMs":1e300}', /ttlMs/],
    ['{"key":"a","value":"1","__proto__":1}', /unknown field "__proto__"/],
    ['{"key":"a","value":"1","constructor":1}', /unknown field "constructor"/],
    ['{"key":"\\ud800","value":"1"}', /half a surrogate pair/],
    [`{"key":"${'a'.repeat(70_000)}","value":"1"}`, /longer than 65536 bytes/],
  ]
  for (const [line, reason] of wrong) {
    assert.throws(
      () => parseRecord(line),
      (error) => error instanceof UsageError && reason.test(error.message),
      line.slice(0, 60),
    )
  }
})
