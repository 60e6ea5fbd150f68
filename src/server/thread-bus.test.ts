import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { MAX_BUS_BACKLOG_BYTES } from '../base/limits.js'
import type { Subscriber } from '../commands/bus.js'
import { createBus, ThreadBus } from './thread-bus.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

class Listener implements Subscriber {
  readonly heard: string[] = []
  drops = 0
  #waiting: (() => void) | undefined

  deliver(channel: Buffer, message: Buffer, pattern?: Buffer): void {
    const by = pattern === undefined ? '' : `${pattern.toString('latin1')} `
    this.heard.push(`${by}${channel.toString('latin1')} ${message.toString('latin1', 0, 20)}`)
    this.#waiting?.()
  }

  drop(): void {
    this.drops++
    this.#waiting?.()
  }

  /** Resolves once `condition` holds after something has come. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }
}

describe('the bus of threads', () => {
  let buses: ThreadBus[] = []
  beforeEach(() => {
    buses = createBus(3).map((handle) => new ThreadBus(handle))
    // Unref'd as they are in a node, ports alone would not keep a test waiting.
    keepAlive = setInterval(() => {}, 1000)
  })
  let keepAlive: NodeJS.Timeout | undefined
  afterEach(() => {
    clearInterval(keepAlive)
    for (const bus of buses) bus.close()
  })
  const bus = (at: number): ThreadBus => buses[at] ?? assert.fail('there are three')

  it('delivers on every thread, in order, and knows at once how many it reaches', async () => {
    const [here, there, byPattern] = [new Listener(), new Listener(), new Listener()]
    bus(0).subscribe('channel', bytes('news'), here)
    bus(1).subscribe('channel', bytes('news'), there)
    bus(2).subscribe('pattern', bytes('n?ws'), byPattern)
    for (let i = 0; i < 100; i++) assert.equal(bus(0).publish(bytes('news'), bytes(`m${i}`)), 3)
    assert.equal(bus(0).publish(bytes('other'), bytes('x')), 0)
    const all = Array.from({ length: 100 }, (_, i) => `news m${i}`)
    assert.deepEqual(here.heard, all)
    await there.until(() => there.heard.length === 100)
    await byPattern.until(() => byPattern.heard.length === 100)
    assert.deepEqual(there.heard, all)
    assert.deepEqual(
      byPattern.heard,
      all.map((text) => `n?ws ${text}`),
    )
  })

  it('tells every thread who has subscribed, until they have left', () => {
    const [one, two] = [new Listener(), new Listener()]
    bus(0).subscribe('channel', bytes('a'), one)
    bus(0).subscribe('channel', bytes('a'), two)
    bus(1).subscribe('channel', bytes(''), one)
    bus(1).subscribe('pattern', bytes('*'), one)
    bus(2).subscribe('pattern', bytes('*'), two)
    for (const each of buses) {
      assert.deepEqual(each.channels().map(String).sort(), ['', 'a'])
      assert.equal(each.subscriptions(bytes('a')), 2)
      assert.equal(each.receivers(bytes('a')), 4)
      assert.equal(each.patterns, 1)
    }
    bus(0).unsubscribe('channel', bytes('a'), one)
    bus(0).unsubscribe('channel', bytes('a'), one)
    bus(1).unsubscribe('channel', bytes('a'), two)
    assert.equal(bus(2).subscriptions(bytes('a')), 1)
    bus(0).unsubscribe('channel', bytes('a'), two)
    bus(1).unsubscribe('channel', bytes(''), one)
    bus(1).unsubscribe('pattern', bytes('*'), one)
    bus(2).unsubscribe('pattern', bytes('*'), two)
    for (const each of buses) {
      assert.deepEqual(each.channels(), [])
      assert.equal(each.patterns, 0)
      assert.equal(each.publish(bytes('a'), bytes('x')), 0)
    }
  })

  it('refuses names when it has no room for more, and can be left all the same', () => {
    const listener = new Listener()
    const names: Buffer[] = []
    const long = 'x'.repeat(60_000)
    assert.throws(
      () => {
        for (;;) {
          const name = bytes(`${names.length} ${long}`)
          bus(names.length % 2).subscribe('channel', name, listener)
          names.push(name)
        }
      },
      (error) => isOperationError(error, 'FULL'),
    )
    assert.ok(names.length > 100)
    for (const [at, name] of names.entries()) bus(at % 2).unsubscribe('channel', name, listener)
    assert.deepEqual(bus(2).channels(), [])
  })

  it('drops the subscribers of a thread that cannot follow, and no others', async () => {
    const [slow, own] = [new Listener(), new Listener()]
    bus(0).subscribe('channel', bytes('flood'), own)
    bus(1).subscribe('channel', bytes('flood'), slow)
    const message = Buffer.alloc(1024 * 1024)
    // Nobody else's turn comes before the end of this one.
    const sent = MAX_BUS_BACKLOG_BYTES / message.length + 8
    for (let i = 0; i < sent; i++) bus(0).publish(bytes('flood'), message)
    assert.equal(own.heard.length, sent)
    await slow.until(() => slow.drops > 0)
    assert.ok(slow.heard.length < sent)
    assert.equal(own.drops, 0)
    // Whoever subscribes anew is heard of.
    const heard = slow.heard.length
    bus(0).publish(bytes('flood'), bytes('again'))
    await slow.until(() => slow.heard.length > heard && (slow.heard.at(-1) ?? '').endsWith('again'))
  })
})
