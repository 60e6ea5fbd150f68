import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { FileFault } from './file-fault.js'
import { readLines } from './line-reader.js'

const folder = mkdtempSync(join(tmpdir(), 'hearth-lines-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function linesOf(text: string, blockBytes: number): [number, string][] {
  const path = join(folder, 'lines.txt')
  writeFileSync(path, text, 'latin1')
  const lines: [number, string][] = []
  readLines(
    path,
    ({ bytes, from, to, number }) =>
      lines.push([number, Buffer.from(bytes.subarray(from, to)).toString('latin1')]),
    { blockBytes },
  )
  return lines
}

test('lines come out whole and numbered, wherever a block ends', () => {
  const line = fc.stringMatching(/^[ \ta-c\r]{0,6}$/)
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.constantFrom('', '\n', '\r\n'),
      fc.integer({ min: 8, max: 40 }),
      (texts, end, blockBytes) => {
        const text = texts.join('\n') + end
        const expected = text
          .split('\n')
          .map((one, index): [number, string] => [index + 1, one.trim()])
          .filter(([, one]) => one !== '')
        assert.deepEqual(linesOf(text, blockBytes), expected)
      },
    ),
    { numRuns: 300 },
  )
})

test('a line that no block can hold is refused with its number', () => {
  assert.throws(
    () => linesOf(`a\n${'b'.repeat(40)}\n`, 32),
    /lines\.txt line 2: a line of more than 32 bytes/,
  )
  assert.deepEqual(linesOf(`a\n${'b'.repeat(31)}\n`, 32), [
    [1, 'a'],
    [2, 'b'.repeat(31)],
  ])
})

test('a file that is not there, and a folder, are told by name', () => {
  const missing = join(folder, 'missing.txt')
  assert.throws(() => readLines(missing, () => {}), new FileFault(missing, 'there is no such file'))
  assert.throws(() => readLines(folder, () => {}), new FileFault(folder, 'is a directory'))
})
