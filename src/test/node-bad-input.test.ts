/**
 * Bad input against a real node: each case on a connection of its own, and after all of them another connection
 * finds the node well and the table untouched.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, it } from 'node:test'
import { startPlainNode, type UnnamedNode } from './unnamed-node.js'

let node: UnnamedNode

before(async () => {
  node = await startPlainNode()
})
after(() => node.stop())

async function open(): Promise<Socket> {
  const socket = connect(node.port, node.host)
  await once(socket, 'connect')
  return socket
}

/** Sends `text`, says that nothing more comes, and gives all that came back. */
async function ask(text: string | Buffer): Promise<string> {
  const socket = await open()
  socket.setEncoding('latin1')
  let answer = ''
  socket.on('data', (chunk: string) => {
    answer += chunk
  })
  socket.on('error', () => {})
  socket.end(text, 'latin1')
  await once(socket, 'close')
  return answer
}

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`

it('broken frames end in the error that Redis gives', async () => {
  const multibulk = '-ERR Protocol error: invalid multibulk length\r\n'
  const bulk = '-ERR Protocol error: invalid bulk length\r\n'
  for (const count of ['2147483647', '9223372036854775808', '0x10', '1e3', ' 1', '1 ', '', '+1']) {
    assert.equal(await ask(`*${count}\r\n`), multibulk, count)
  }
  for (const length of ['-1', '-10', '2147483647', '9223372036854775808', '0x10', '1e3', ' 4', '4 ', '']) {
    assert.equal(await ask(`*1\r\n$${length}\r\nPING\r\n`), bulk, length)
  }
  assert.equal(await ask(`*${'1'.repeat(70 * 1024)}`), '-ERR Protocol error: too big mbulk count string\r\n')
  assert.equal(await ask('*-1\r\n*-10\r\n*0\r\nPING\r\n'), '+PONG\r\n')
  assert.equal(
    await ask('*1\r\n$3\r\nPING\r\n'),
    "-ERR unknown command 'PIN', with args beginning with: \r\n",
  )
  assert.equal(await ask('*2\r\n$4\r\nECHO\r\n$9\r\nshort\r\n'), '')
  assert.equal(await ask('PING\nPING\r\n'), '+PONG\r\n+PONG\r\n')
  assert.equal(await ask('PING\r'), '')
})

it('names that mean something to JavaScript mean nothing to a node', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
  for (const name of names) {
    assert.match(await ask(command(name)), /^-ERR unknown command/)
    assert.match(await ask(command('CONFIG', name)), /^-ERR unknown subcommand/)
    assert.match(await ask(command('SET', 'k', 'v', name)), /^-ERR syntax error/)
    assert.equal(await ask(command('CONFIG', 'GET', name)), '*0\r\n')
    assert.equal(await ask(command('GET', name)), '$-1\r\n')
    const all = command('SET', name, name) + command('GET', name) + command('DEL', name)
    assert.equal(await ask(all), `+OK\r\n$${name.length}\r\n${name}\r\n:1\r\n`)
  }
})

it('any bytes can be a key or a value, and errors reflect none that break a line', async () => {
  for (const key of ['', '\0', '\r\n', 'a\r\nb', '\xff\xfe', '\x00\xff\r\n'.repeat(100)]) {
    const all = command('SET', key, key) + command('GET', key) + command('DEL', key)
    assert.equal(await ask(all), `+OK\r\n$${key.length}\r\n${key}\r\n:1\r\n`)
  }
  const reflected = await ask(command('FOO\r\n+OK', 'a\r\n+OK', '\0x'))
  assert.equal(reflected, "-ERR unknown command 'FOO  +OK', with args beginning with: 'a  +OK' '' \r\n")
  assert.match(await ask(command('SET', 'k'.repeat(65_537), 'v')), /^-ERR [^\r]*65536[^\r]*\r\n$/)
})

it('other protocols get nowhere', async () => {
  assert.equal(await ask('POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a 1\r\n'), '')
  // Whether the reply to the first line still gets out is a matter of timing; the last line never runs.
  assert.doesNotMatch(await ask('GET / HTTP/1.1\r\nHost: x\r\n\r\nSET a 1\r\n'), /OK/)
  await ask(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]))
})

it('half a gigabyte announced on 200 connections costs nothing', async () => {
  const sockets = await Promise.all(Array.from({ length: 200 }, () => open()))
  for (const socket of sockets) socket.write('*8\r\n$67108864\r\nabc')
  assert.equal(await ask('PING\r\n'), '+PONG\r\n')
  assert.ok(process.memoryUsage().rss < 1024 * 1024 * 1024)
  for (const socket of sockets) socket.destroy()
})

it('connections that come and go leave nothing behind', async () => {
  for (let round = 0; round < 20; round += 1) {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open()))
    for (const socket of sockets) {
      socket.on('error', () => {})
      if (round % 2 === 0) socket.resetAndDestroy()
      else socket.write('*3\r\n$3\r\nSET', () => socket.destroy())
    }
    await Promise.all(sockets.map((socket) => (socket.closed ? undefined : once(socket, 'close'))))
  }
  // The node learns of the last ones when their turn comes; were any kept, this would not end.
  while (!/connected_clients:1\r\n/.test(await ask('INFO clients\r\n')));
})

it('after all of it the node is well and the table empty', async () => {
  assert.equal(await ask('DBSIZE\r\nSET a 1\r\nDEL a\r\n'), ':0\r\n+OK\r\n:1\r\n')
})
