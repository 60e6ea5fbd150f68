import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { barChart, goalChart, lineChart, logAxis } from './charts.js'
import { atLeast, atMost, type Figure } from './figure.js'
import { element, escapeXml, label, picture } from './svg.js'

/** What an XML reader would see of text that was escaped. */
function unescaped(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&amp;': '&',
  }
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (name) => names[name] ?? '')
}

function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 9 || code === 10 || code === 13
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff
}

/** Whether every tag that opens closes, in the right order: as far as these pictures need XML. */
function assertWellFormed(svg: string): void {
  const open: string[] = []
  for (const [, close, name = '', rest = ''] of svg.matchAll(
    /<(\/?)([a-z]+)((?:\s[a-zA-Z0-9-]+="[^"<]*")*\s*\/?)>/g,
  )) {
    if (close === '/') assert.equal(open.pop(), name)
    else if (!rest.endsWith('/')) open.push(name)
  }
  assert.deepEqual(open, [])
  assert.ok(!/NaN|Infinity|undefined/.test(svg), 'a number that is none')
}

test('any text comes back from its escaped form, and holds no markup in it', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = escapeXml(text)
      assert.ok(!/[<>"']/.test(escaped))
      // What XML has no character for is dropped.
      const allowed = [...text].filter((character) => isXmlCharacter(character.codePointAt(0) ?? 0))
      assert.equal(unescaped(escaped), allowed.join(''))
    }),
  )
})

test('a hostile label stays text', () => {
  const svg = picture(10, 10, '</svg><script>', label(0, 0, '<b onclick="x">&', 'text'))
  assert.ok(!svg.includes('<script>') && !svg.includes('<b'))
  assertWellFormed(svg)
  assert.equal(element('a', { href: '"><' }), '<a href="&quot;&gt;&lt;"/>')
})

const FIGURES: readonly Figure[] = [
  { section: 'get', label: 'far beyond', unit: 'times', asked: atLeast(1), measured: 50, detail: '' },
  { section: 'get', label: 'missed', unit: 'times', asked: atMost(1), measured: 4, detail: '' },
  { section: 'eviction', label: 'points', unit: 'points', asked: atMost(2), measured: -1, detail: '' },
  { section: 'eviction', label: 'skipped', unit: 'points', asked: atMost(2), detail: 'why' },
  { section: 'growth', label: 'reported only', unit: 'µs', measured: 3, detail: '' },
]

test('the chart of figures shows every figure that was asked for, met or not, and no other', () => {
  const svg = goalChart('Title', 'Subtitle', FIGURES)
  assertWellFormed(svg)
  for (const text of ['far beyond', '50.00x (', 'missed', 'not measured']) {
    assert.ok(svg.replaceAll('  ', ' ').includes(text), text)
  }
  assert.ok(!svg.includes('reported only'))
})

test('charts of bars and lines are well-formed, also with gaps and without lines', () => {
  const bars = [{ label: 'get', bars: [{ series: 'A & B', value: 2, text: '2' }] }]
  assertWellFormed(barChart('Bars', '', bars))
  const series = [
    { name: 'one', values: [1, undefined, 30] },
    { name: 'none', values: [undefined, undefined, undefined] },
  ]
  const svg = lineChart('Lines', '', [{ title: 'left', labels: ['a', 'b', 'c'], series }])
  assertWellFormed(svg)
  assert.equal(svg.match(/<circle/g)?.length, 2)
})

test('a logarithmic axis holds all values between its ends, with few ticks', () => {
  const values = fc.array(fc.double({ min: 1e-4, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(values, (list) => {
      const { least, most, ticks } = logAxis(list)
      assert.ok(least < most)
      assert.ok(list.every((value) => value >= least && value <= most))
      assert.ok(ticks.length >= 1 && ticks.length <= 12)
    }),
  )
})
