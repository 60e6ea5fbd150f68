/** What bad peers of the line protocol can do: to the server, to each other and to themselves. And what failures tell them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { OperationError } from '../base/errors.js'
import { TextClient } from '../client/text-client.js'
import type { TextService } from '../text/service.js'
import { StoreService } from '../text/store-service.js'
import { ask, mapService, openSocket, withServer } from './text-bench.js'

/** Counts how often a value is asked for. */
function countGets(service: StoreService): () => number {
  let asked = 0
  const { get } = StoreService.prototype
  service.get = (key) => {
    asked++
    return get.call(service, key)
  }
  return () => asked
}
describe('bad peers of the line protocol', () => {
  test('whatever comes in, each line that is not blank has one answer, and the server goes on', () =>
    withServer(mapService(), async (port) => {
      const word = fc.constantFrom(
        'PUT',
        'GET',
        'DELETE',
        'SIZE',
        'k',
        '"',
        '"a b"',
        '$"',
        '$"\\n"',
        "'",
        '\\',
        '\0',
        'é',
      )
      const line = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
      await fc.assert(
        fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
          const reply = await ask(port, Buffer.from(`${lines.join('\n')}\nPING\n`))
          const answers = reply.split('\n').slice(0, -1)
          assert.equal(answers.length, lines.length + 1)
          assert.equal(answers.at(-1), 'PONG')
        }),
        { numRuns: 50 },
      )
    }))

  test('what waits behind a late answer is bounded', async () => {
    let settle = (): void => {}
    const service = Object.assign(mapService(), {
      delete: () =>
        new Promise<boolean>((resolve) => {
          settle = () => resolve(true)
        }),
    })
    const asked = countGets(service)
    await withServer(service, async (port) => {
      const client = await TextClient.connect('127.0.0.1', port)
      const other = await TextClient.connect('127.0.0.1', port)
      await client.put(Buffer.from('k'), Buffer.alloc(60_000, 'v'))
      const late = client.delete(Buffer.from('x'))
      const gets = Array.from({ length: 1000 }, () => client.get(Buffer.from('k')))
      // A mebibyte of replies of 60 KB; and it stays at that.
      while (asked() < 18) await other.ping()
      for (let turn = 0; turn < 50; turn++) await other.ping()
      assert.equal(asked(), 18)
      settle()
      assert.equal(await late, true)
      for (const value of await Promise.all(gets)) assert.equal(value?.length, 60_000)
      await client.close()
      await other.close()
    })
  })

  test('lines, keys and values over the limit are refused, and the connection goes on', () =>
    withServer(
      mapService(),
      async (port) => {
        const reply = await ask(port, `GET 12345\nPUT k ${'v'.repeat(9)}\n${'x'.repeat(100_000)}\nPING\n`)
        const [key, value, line, last] = reply.split('\n')
        assert.match(key ?? '', /^ERROR the key has 5 bytes; the limit is 4/)
        assert.match(value ?? '', /^ERROR the value has 9 bytes; the limit is 8/)
        assert.match(line ?? '', /^ERROR the line is too long: a key has at most 4 bytes \(max_key_size\)/)
        assert.equal(last, 'PONG')
      },
      { maxKeyBytes: 4, maxValueBytes: 8 },
    ))

  test('one client too many is told so; the others stay, and there is room when one goes', () =>
    withServer(
      mapService(),
      async (port) => {
        const first = await TextClient.connect('127.0.0.1', port)
        const second = await TextClient.connect('127.0.0.1', port)
        await Promise.all([first.ping(), second.ping()])
        assert.match(
          await ask(port, 'PING\n'),
          /^ERROR 2 clients are connected \(max_connections\); try again later\n$/,
        )
        await second.close()
        // Its place is free once the server has seen it go.
        while ((await ask(port, 'PING\n')) !== 'PONG\n');
        await first.ping()
        await first.close()
      },
      { maxConnections: 2 },
    ))

  test('one too many that keeps its half open is told so and does not stay', () =>
    withServer(
      mapService(),
      async (port) => {
        const first = await TextClient.connect('127.0.0.1', port)
        await first.ping()
        const second = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        let answer = ''
        second.setEncoding('latin1').on('data', (chunk: string) => {
          answer += chunk
        })
        await once(second, 'end')
        assert.equal(answer, 'ERROR 1 clients are connected (max_connections); try again later\n')
        // What it goes on sending is read until the server has had enough of it, and is refused then.
        let refusal: NodeJS.ErrnoException | undefined
        second.on('error', (error) => {
          refusal = error
        })
        for (; !second.destroyed; await new Promise((resolve) => setImmediate(resolve)))
          second.write('PING\n')
        assert.match(String(refusal?.code), /^(ECONNRESET|EPIPE)$/)
        await first.close()
      },
      { maxConnections: 1 },
    ))

  test('HTTP gets nowhere, and does nothing', () =>
    withServer(mapService(), async (port) => {
      for (const start of [
        'POST / HTTP/1.1',
        'GET /x HTTP/1.1',
        'PUT /x HTTP/1.0',
        'OPTIONS * HTTP/1.1',
        'x\r\nhost: y',
      ]) {
        const reply = await ask(port, `${start}\r\nHost: x\r\n\r\nPUT a 1\r\n`)
        assert.doesNotMatch(reply, /OK/, start)
      }
      assert.equal(await ask(port, 'PUT "/x" "HTTP/1.1"\nSIZE\n'), 'OK\n1\n')
    }))

  test('a peer that never reads is not read from for ever, and harms nobody', async () => {
    const service = mapService()
    const asked = countGets(service)
    await withServer(service, async (port) => {
      const client = await TextClient.connect('127.0.0.1', port)
      await client.put(Buffer.from('k'), Buffer.alloc(60_000, 'v'))
      const greedy = await openSocket(port)
      greedy.pause()
      // 6 GB of replies, were they all made.
      for (let batch = 0; batch < 100; batch++) greedy.write('GET k\n'.repeat(1000))
      for (let turn = 0; turn < 100; turn++) await client.ping()
      assert.ok(asked() < 2000, `${asked()} of 100 000 were answered`)
      greedy.resume()
      const [chunk] = (await once(greedy, 'data')) as [Buffer]
      assert.equal(chunk[0], 'v'.charCodeAt(0))
      greedy.destroy()
      await client.close()
    })
  })

  test('a peer that sends a byte at a time gets its answer', () =>
    withServer(mapService(), async (port) => {
      const socket = await openSocket(port)
      for (const char of 'PUT k v\r\nGET k\r') socket.write(char)
      socket.end('\n')
      let answer = ''
      for await (const chunk of socket) answer += String(chunk)
      assert.equal(answer, 'OK\nv\n')
    }))

  test('failures are told with their fate and what to do, and break no line', async () => {
    const failing = (error: Error): TextService => ({
      put: () => {
        throw error
      },
      get: () => Promise.reject(error),
      delete: () => false,
      exists: () => false,
      size: () => 0,
      flush: () => {},
      stats: () => [],
    })
    const full = new OperationError('FULL', 'no room for 10 bytes')
    const lost = new OperationError('LOG_FAILED', 'a sync\r\nfailed')
    await Promise.all([
      withServer(failing(full), async (port) => {
        const sentence =
          'ERROR FULL: no room for 10 bytes; delete keys, or start the server with a larger --capacity\n'
        assert.equal(await ask(port, 'PUT a 1\nGET a\nPING\n'), `${sentence}${sentence}PONG\n`)
      }),
      withServer(failing(lost), async (port) => {
        assert.match(
          await ask(port, 'PUT a 1\nPING\n'),
          /^ERROR LOG_FAILED: a sync failed; it may or may not have happened; the disk failed[^\n]*\nPONG\n$/,
        )
      }),
      withServer(failing(new RangeError('too much')), async (port) => {
        assert.equal(await ask(port, 'GET a\n'), 'ERROR too much\n')
      }),
    ])
  })

  test('FLUSH without a disk says so', () =>
    withServer(mapService(), async (port) => {
      assert.match(await ask(port, 'FLUSH\n'), /^ERROR REFUSED: there is nothing to flush to/)
    }))

  test('a server that stops answers what was asked, takes no more, and ends', async () => {
    const late: { resolve?: () => void } = {}
    const asked = new Promise<void>((resolve) => {
      late.resolve = resolve
    })
    let answer: (() => void) | undefined
    const service: TextService = Object.assign(mapService(), {
      put: () => {
        late.resolve?.()
        return new Promise<void>((resolve) => {
          answer = resolve
        })
      },
    })
    await withServer(service, async (port, server) => {
      const client = await TextClient.connect('127.0.0.1', port)
      const put = client.put(Buffer.from('a'), Buffer.from('1'))
      await asked
      const stopped = server.stop()
      answer?.()
      await put
      await stopped
      await assert.rejects(TextClient.connect('127.0.0.1', port), { code: 'NO_SERVER' })
    })
  })
})
