import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { Glob } from './glob.js'

const matches = (pattern: string, key: string): boolean =>
  new Glob(Buffer.from(pattern, 'latin1')).matches(Buffer.from(key, 'latin1'))

it('a pattern matches as Redis says', () => {
  const yes = [
    ['', ''],
    ['*', ''],
    ['*', 'anything'],
    ['a*', 'a'],
    ['*a', 'bca'],
    ['a*b*c', 'aXbYbZc'],
    ['h?llo', 'hallo'],
    ['h[ae]llo', 'hello'],
    ['h[^e]llo', 'hallo'],
    ['h[a-b]llo', 'hbllo'],
    ['h[b-a]llo', 'hallo'],
    ['a\\*b', 'a*b'],
    ['[\\]]', ']'],
    ['a\\', 'a\\'],
    ['[abc', 'b'],
    ['*?b*', 'xxab'],
    ['*[0-9]x', 'a5x'],
    ['*ab*ab', 'abab'],
  ] as const
  for (const [pattern, key] of yes) assert.ok(matches(pattern, key), `${pattern} matches ${key}`)
  const no = [
    ['', 'a'],
    ['a', ''],
    ['a*', 'ba'],
    ['h?llo', 'hllo'],
    ['h[^e]llo', 'hello'],
    ['a\\*b', 'aXb'],
    ['*ab*ab', 'ab'],
    ['*aba*aba', 'ababa'],
    ['[', 'a'],
    ['[]', ''],
    ['a?', 'a'],
  ] as const
  for (const [pattern, key] of no) assert.ok(!matches(pattern, key), `${pattern} does not match ${key}`)
})

/** The definition, word for word and exponential: for short patterns without classes. */
function naive(pattern: string, key: string): boolean {
  if (pattern === '') return key === ''
  if (pattern[0] === '*') return naive(pattern.slice(1), key) || (key !== '' && naive(pattern, key.slice(1)))
  return key !== '' && (pattern[0] === '?' || pattern[0] === key[0]) && naive(pattern.slice(1), key.slice(1))
}

it('stars and question marks match as the definition says', () => {
  const text = (letters: readonly string[], maxLength: number) =>
    fc.array(fc.constantFrom(...letters), { maxLength }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text(['a', 'b', '?', '*'], 9), text(['a', 'b'], 12), (pattern, key) => {
      assert.equal(matches(pattern, key), naive(pattern, key))
    }),
    { numRuns: 3000 },
  )
})

it('patterns made to be slow are not', () => {
  assert.ok(!matches(`${'a*'.repeat(30)}b`, 'a'.repeat(60_000)))
  assert.ok(!matches(`*${'a'.repeat(30_000)}b*`, 'a'.repeat(65_536)))
  assert.ok(!matches('?*'.repeat(50_000), 'a'.repeat(1000)))
  assert.ok(matches('*'.repeat(100_000), 'a'))
  assert.ok(!matches(`*${'?'.repeat(2000)}x*`, 'a'.repeat(65_536)))
  assert.ok(!matches('['.repeat(100_000), 'a'))
  assert.ok(!matches('\\'.repeat(100_000), 'a'))
})
