/** The line protocol over sockets: every command over every kind of service. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isOperationError } from '../base/errors.js'
import { TextClient } from '../client/text-client.js'
import { MapStore } from '../store/map-store.js'
import { CarrierService } from '../text/carrier-service.js'
import { ask, mapService, openSocket, withServer } from './text-bench.js'
import { DoubleCarrier, TEXT_SUBJECTS } from './text-subjects.js'
import { startPlainNode } from './unnamed-node.js'

for (const subject of TEXT_SUBJECTS) {
  describe(`the line protocol over ${subject.name}`, () => {
    const withSubject = async (body: (port: number) => Promise<void>): Promise<void> => {
      const { serviceOf, close } = subject.create()
      try {
        await withServer(serviceOf, body)
      } finally {
        close()
      }
    }

    test('answers every command as the original words it', () =>
      withSubject(async (port) => {
        const session = [
          ['PING', 'PONG'],
          ['SIZE', '0'],
          ['GET "k"', 'NOT_FOUND'],
          ['PUT "k" "v"', 'OK'],
          ['GET k', 'v'],
          ['EXISTS k', 'true'],
          ['EXISTS none', 'false'],
          ['SIZE', '1'],
          ['FLUSH', 'OK'],
          ['DELETE k', 'OK'],
          ['DELETE k', 'NOT_FOUND'],
          ['PUT e ""', 'OK'],
          ['GET e', ''],
          [
            'nope',
            'ERROR there is no command nope; there are PUT, GET, DELETE, EXISTS, SIZE, PING, FLUSH, STATS',
          ],
          ['GET e', ''],
        ]
        const asked = session.map(([line]) => `${line}\n`).join('')
        assert.equal(await ask(port, asked), session.map(([, reply]) => `${reply}\n`).join(''))
      }))

    test('ends what STATS says with END', () =>
      withSubject(async (port) => {
        const reply = await ask(port, 'PUT a 1\nSTATS\nPING\n')
        assert.match(reply, /^OK\nkeys: 1\n(?:[a-z_]+: \d+\n)+note: two lines\nEND\nPONG\n$/)
      }))

    test('gives a client back what it stored, whatever bytes', () =>
      withSubject(async (port) => {
        const client = await TextClient.connect('127.0.0.1', port)
        const values = [
          '{"name": "Alice", "balance": 500}',
          '',
          ' v ',
          'a\nb\r\nc\r',
          '"',
          '"quoted"',
          '$"x"',
          'NOT_FOUND',
          'ERROR',
          'ERROR of mine',
          '\\n',
          'OK',
          'END',
          '\0\xff',
          'x'.repeat(65_536),
          '\n'.repeat(65_536),
        ]
        for (const value of values) {
          const bytes = Buffer.from(value, 'latin1')
          const key = bytes.subarray(0, 100)
          await client.put(key, bytes)
          assert.deepEqual(await client.get(key), bytes, JSON.stringify(value.slice(0, 20)))
          assert.equal(await client.exists(key), true)
        }
        assert.equal(await client.size(), new Set(values.map((value) => value.slice(0, 100))).size)
        assert.equal(await client.get(Buffer.from('none')), undefined)
        assert.equal(await client.delete(Buffer.from('none')), false)
        assert.equal(await client.delete(Buffer.from('OK')), true)
        await client.ping()
        await client.flush()
        assert.ok((await client.stats()).some((line) => line.startsWith('keys: ')))
        await client.close()
      }))

    test('answers ten thousand pipelined requests in their order', () =>
      withSubject(async (port) => {
        const client = await TextClient.connect('127.0.0.1', port)
        const replies = Array.from({ length: 5000 }, (_, index) => {
          const key = Buffer.from(`key-${index % 50}`)
          void client.put(key, Buffer.from(String(index)))
          return client.get(key)
        })
        for (const [index, reply] of replies.entries()) assert.equal(String(await reply), String(index))
        await client.close()
      }))

    test('says goodbye after the replies to what was asked', () =>
      withSubject(async (port) => {
        const socket = await openSocket(port)
        socket.end('PUT a 1\nGET a\nGET a')
        let answer = ''
        for await (const chunk of socket) answer += String(chunk)
        assert.equal(answer, 'OK\n1\n')
      }))
  })
}

test('what the thread that orders writes refuses is told as any failure', async () => {
  const store = new MapStore()
  const service = new CarrierService({
    carrier: new DoubleCarrier(store),
    store,
    flush: () => {},
    stats: () => [],
  })
  await withServer(service, async (port) => {
    const [full, disk, odd, last] = (
      await ask(port, 'PUT a too much\nPUT a no disk\nPUT a odd\nSIZE\n')
    ).split('\n')
    assert.match(full ?? '', /^ERROR FULL: no memory is left for this entry; delete keys/)
    assert.match(disk ?? '', /^ERROR DISK_FULL: the disk is full; free space on the disk/)
    assert.match(odd ?? '', /^ERROR REFUSED: some reason$/)
    assert.equal(last, '0')
  })
})

test('a node says which port it cannot have, and leaves none of its fronts open', async () => {
  await withServer(mapService(), async (port) => {
    await assert.rejects(startPlainNode({ text: { port } }), (error) => {
      assert.ok(isOperationError(error, 'REFUSED'))
      assert.ok(error.message.includes(`cannot listen on 127.0.0.1:0 and ${port}`), error.message)
      assert.match(String(error.cause), /EADDRINUSE/)
      return true
    })
  })
})
