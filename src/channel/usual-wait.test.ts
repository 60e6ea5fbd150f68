import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsualWait } from './usual-wait.js'

function after(waits: readonly number[]): number {
  const usual = new UsualWait()
  for (const waitedMs of waits) usual.note(waitedMs)
  return usual.lookOnMs
}

const many = (waitedMs: number): number[] => new Array<number>(100).fill(waitedMs)

test('who has waited for nothing yet looks on for a while', () => {
  assert.ok(after([]) > 0)
})

test('who is usually answered soon looks on, somewhat longer than that takes', () => {
  const lookOnMs = after(many(0.05))
  assert.ok(lookOnMs > 0.05 && lookOnMs < 0.15, `${lookOnMs}`)
})

test('who usually waits long sleeps at once', () => {
  assert.equal(after(many(5)), 0)
})

test('a few long waits among short ones change nothing', () => {
  const waits = many(0.05).flatMap((waitedMs, index) => (index % 4 === 0 ? [waitedMs, 1000] : [waitedMs]))
  assert.ok(after(waits) > 0)
})

test('what was learnt in many long waits is unlearnt in some short ones', () => {
  assert.ok(after([...many(1000), ...many(0.05).slice(0, 30)]) > 0)
})
