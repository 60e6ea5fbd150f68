import assert from 'node:assert/strict'
import { it } from 'node:test'
import { CommandBench } from '../test/command-bench.js'
import { allCommands, findCommand } from './command-table.js'

const OK = { simple: 'OK' }
const SYNTAX = { error: 'ERR syntax error' }
const NOT_INTEGER = { error: 'ERR value is not an integer or out of range' }

/** Runs `line => reply` pairs in order on one bench. */
function expectReplies(
  pairs: readonly (readonly [line: string, reply: unknown])[],
  bench = new CommandBench(),
) {
  for (const [line, reply] of pairs) assert.deepEqual(bench.run(line), reply, line)
}

it('a command is found in any case, and nothing else is', () => {
  for (const name of ['get', 'GET', 'gEt']) assert.equal(findCommand(Buffer.from(name))?.name, 'get')
  const strangers = [
    '',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'ge',
    'gett',
    'g\0t',
    '\x07et',
  ]
  for (const name of strangers) assert.equal(findCommand(Buffer.from(name)), undefined, name)
  for (const { name } of allCommands()) assert.equal(findCommand(Buffer.from(name.toUpperCase()))?.name, name)
})

it('an unknown command is quoted as Redis quotes it', () => {
  const bench = new CommandBench()
  assert.deepEqual(bench.run('foo'), { error: "ERR unknown command 'foo', with args beginning with: " })
  assert.deepEqual(bench.run('foo a b'), {
    error: "ERR unknown command 'foo', with args beginning with: 'a' 'b' ",
  })
  const long = bench.runWords(['x'.repeat(500), 'y'.repeat(500), 'z']) as { error: string }
  assert.equal(
    long.error,
    `ERR unknown command '${'x'.repeat(128)}', with args beginning with: '${'y'.repeat(128)}' `,
  )
})

it('a wrong number of arguments is said with the name in lower case', () => {
  const bench = new CommandBench()
  for (const line of ['GET', 'GET a b', 'SET a', 'MSET a', 'ECHO', 'INCR', 'PING a b', 'MSET a 1 b']) {
    const name = line.split(' ')[0]?.toLowerCase()
    assert.deepEqual(bench.run(line), { error: `ERR wrong number of arguments for '${name}' command` })
  }
  assert.deepEqual(bench.run('CONFIG GET'), {
    error: "ERR wrong number of arguments for 'config|get' command",
  })
  assert.deepEqual(bench.run('CLIENT __proto__'), {
    error: "ERR unknown subcommand '__proto__'. Try CLIENT HELP.",
  })
})

it('SET does what its options say', () => {
  const tooFar = { error: "ERR invalid expire time in 'set' command" }
  expectReplies([
    ['SET a 1', OK],
    ['SET a 2 NX', null],
    ['SET a 3 NX GET', '1'],
    ['GET a', '1'],
    ['SET a 4 XX GET', '1'],
    ['SET b 1 XX', null],
    ['SET b 1 XX GET', null],
    ['SET b 1 GET', null],
    ['GET b', '1'],
    ['SET a 5 EX 100', OK],
    ['TTL a', 100],
    ['SET a 6 KEEPTTL', OK],
    ['PTTL a', 100_000],
    ['SET a 7', OK],
    ['TTL a', -1],
    ['SET a 8 PX 1500', OK],
    ['PTTL a', 1500],
    ['TTL a', 2],
    ['SET a 9 EXAT 1700000010', OK],
    ['TTL a', 10],
    ['SET a 9 PXAT 1700000000500', OK],
    ['PTTL a', 500],
    ['SET a 9 EXAT 1', OK],
    ['EXISTS a', 0],
    ['SET a 1 EX 10 EX 20', OK],
    ['TTL a', 20],
  ])
  expectReplies([
    ...['EX', 'FOO', 'NX XX', 'XX NX', 'EX 10 PX 10', 'KEEPTTL EX 10', 'EX 10 KEEPTTL', '__proto__'].map(
      (options) => [`SET a 1 ${options}`, SYNTAX] as const,
    ),
    ...['EX abc', 'EX 1.5', 'PX NaN', 'EX -0', 'EX 9223372036854775808'].map(
      (options) => [`SET a 1 ${options}`, NOT_INTEGER] as const,
    ),
    ...['EX 0', 'EX -1', 'PX 0', 'EXAT 0', 'EX 9223372036854775807', 'PX -9223372036854775808'].map(
      (options) => [`SET a 1 ${options}`, tooFar] as const,
    ),
    ['EXISTS a', 0],
  ])
})

it('the older spellings of SET work', () => {
  expectReplies([
    ['SETNX a 1', 1],
    ['SETNX a 2', 0],
    ['SETEX a 10 3', OK],
    ['TTL a', 10],
    ['GETSET a 4', '3'],
    ['TTL a', -1],
    ['PSETEX a 10 5', OK],
    ['PTTL a', 10],
    ['SETEX a 0 1', { error: "ERR invalid expire time in 'setex' command" }],
    ['PSETEX a -1 1', { error: "ERR invalid expire time in 'psetex' command" }],
    ['SETEX a x 1', NOT_INTEGER],
    ['APPEND a 67', 3],
    ['PTTL a', 10],
    ['STRLEN a', 3],
    ['GETDEL a', '567'],
    ['GETDEL a', null],
    ['STRLEN a', 0],
    ['APPEND n x', 1],
  ])
})

it('counters are exact to the edges of int64', () => {
  const overflow = { error: 'ERR increment or decrement would overflow' }
  expectReplies([
    ['INCR n', 1],
    ['INCRBY n 41', 42],
    ['DECR n', 41],
    ['DECRBY n 50', -9],
    ['SET n 9007199254740991', OK],
    ['INCR n', 9007199254740992n],
    ['GET n', '9007199254740992'],
    ['DECR n', 9007199254740991],
    ['SET n 9223372036854775806', OK],
    ['INCR n', 9223372036854775807n],
    ['INCR n', overflow],
    ['GET n', '9223372036854775807'],
    ['INCRBY n -9223372036854775808', -1],
    ['DECRBY n -9223372036854775808', { error: 'ERR decrement would overflow' }],
    ['DECRBY n 9223372036854775807', -9223372036854775808n],
    ['DECR n', overflow],
    ['INCRBY n abc', NOT_INTEGER],
    ['INCRBY n 9223372036854775808', NOT_INTEGER],
    ['SET n 9223372036854775808', OK],
    ['INCR n', NOT_INTEGER],
    ['SET n 1.0', OK],
    ['INCR n', NOT_INTEGER],
    ["SET n ''", OK],
    ['INCR n', NOT_INTEGER],
    ['SET n 5 EX 100', OK],
    ['INCR n', 6],
    ['TTL n', 100],
  ])
})

it('many keys at once', () => {
  expectReplies([
    ['MSET a 1 b 2 a 3', OK],
    ['MGET a b c', [{ array: 3 }, '3', '2', null]],
    ['EXISTS a a b c', 3],
    ['TOUCH a c', 1],
    ['DEL a b c', 2],
    ['UNLINK a', 0],
    ['DBSIZE', 0],
  ])
})

it('EXPIRE heeds NX, XX, GT and LT', () => {
  const incompatible = { error: 'ERR NX and XX, GT or LT options at the same time are not compatible' }
  expectReplies([
    ['EXPIRE k 10 NX', 0],
    ['SET k v', OK],
    ['EXPIRE k 10 XX', 0],
    ['EXPIRE k 10 GT', 0],
    ['TTL k', -1],
    ['EXPIRE k 100 nx', 1],
    ['EXPIRE k 200 NX', 0],
    ['EXPIRE k 50 GT', 0],
    ['EXPIRE k 150 XX GT', 1],
    ['EXPIRE k 200 LT', 0],
    ['PEXPIRE k 100000 LT LT', 1],
    ['TTL k', 100],
    ['PERSIST k', 1],
    ['EXPIRE k 200 LT', 1],
    ['TTL k', 200],
    ['EXPIRE k 10 NX XX', incompatible],
    ['EXPIRE k 10 LT NX', incompatible],
    ['EXPIRE k 10 GT LT', { error: 'ERR GT and LT options at the same time are not compatible' }],
    ['EXPIRE k abc GT LT', { error: 'ERR GT and LT options at the same time are not compatible' }],
    ['EXPIRE k 10 __proto__', { error: 'ERR Unsupported option __proto__' }],
    ['EXPIRE k -1 GT', 0],
    ['EXPIRE k -1 LT', 1],
    ['EXISTS k', 0],
  ])
})

it('expiry can be set, asked for and removed', () => {
  const bench = new CommandBench()
  expectReplies(
    [
      ['TTL k', -2],
      ['EXPIRE k 10', 0],
      ['SET k v', OK],
      ['TTL k', -1],
      ['EXPIRETIME k', -1],
      ['EXPIRE k 10', 1],
      ['TTL k', 10],
      ['EXPIRETIME k', 1_700_000_010],
      ['PEXPIRETIME k', 1_700_000_010_000],
      ['PERSIST k', 1],
      ['PERSIST k', 0],
      ['PEXPIRE k 1', 1],
      ['EXPIRE k abc', NOT_INTEGER],
      ['EXPIRE k 9223372036854775807', { error: "ERR invalid expire time in 'expire' command" }],
      ['PEXPIRE k 9223372036854775807', { error: "ERR invalid expire time in 'pexpire' command" }],
      ['EXPIRE k 10 FOO', { error: 'ERR Unsupported option FOO' }],
      ['TYPE k', { simple: 'string' }],
    ],
    bench,
  )
  bench.nowMs += 1
  expectReplies(
    [
      ['TYPE k', { simple: 'none' }],
      ['SET k v', OK],
      ['EXPIREAT k 1', 1],
      ['EXISTS k', 0],
      ['SET k v', OK],
      ['EXPIRE k -1', 1],
      ['EXISTS k', 0],
    ],
    bench,
  )
})

it('GETEX answers with the value and changes its expiry', () => {
  const invalid = { error: "ERR invalid expire time in 'getex' command" }
  expectReplies([
    ['GETEX k', null],
    ['GETEX k EX -1', null],
    ['GETEX k EX abc', null],
    ['SET k v', OK],
    ['GETEX k', 'v'],
    ['TTL k', -1],
    ['GETEX k EX 100', 'v'],
    ['TTL k', 100],
    ['GETEX k', 'v'],
    ['TTL k', 100],
    ['GETEX k px 500', 'v'],
    ['PTTL k', 500],
    ['GETEX k EXAT 1700000010', 'v'],
    ['TTL k', 10],
    ['GETEX k EX 0', invalid],
    ['GETEX k PX -5', invalid],
    ['GETEX k EX 1.5', NOT_INTEGER],
    ...['FOO', 'EX', 'KEEPTTL', 'NX', 'EX 1 PX 1', 'PERSIST EX 1', 'EX 1 PERSIST', '__proto__'].map(
      (options) => [`GETEX k ${options}`, SYNTAX] as const,
    ),
    ['TTL k', 10],
    ['GETEX k PERSIST', 'v'],
    ['TTL k', -1],
    ['GETEX k PXAT 1', 'v'],
    ['EXISTS k', 0],
  ])
})

it('INCRBYFLOAT adds decimals and keeps the expiry', () => {
  const invalid = { error: 'ERR value is not a valid float' }
  const endless = { error: 'ERR increment would produce NaN or Infinity' }
  expectReplies([
    ['INCRBYFLOAT n 0.1', '0.1'],
    ['INCRBYFLOAT n 0.2', '0.3'],
    ['EXPIRE n 100', 1],
    ['INCRBYFLOAT n 2.7', '3'],
    ['GET n', '3'],
    ['TTL n', 100],
    ['INCR n', 4],
    ['INCRBYFLOAT n abc', invalid],
    ['INCRBYFLOAT n nan', invalid],
    ['INCRBYFLOAT n inf', endless],
    ['SET n x', OK],
    ['INCRBYFLOAT n 1', invalid],
    ['GET n', 'x'],
  ])
})

it('RANDOMKEY gives a key, if there is one', () => {
  expectReplies([
    ['RANDOMKEY', null],
    ['SET k v PX 10', OK],
    ['RANDOMKEY', 'k'],
  ])
})

it('SCAN and KEYS walk over what matches', () => {
  const empty = [{ array: 2 }, '0', { array: 0 }]
  expectReplies([
    ['MSET k1 v k2 v x v', OK],
    ['SCAN 0', [{ array: 2 }, '0', { array: 3 }, 'k1', 'k2', 'x']],
    ['SCAN 0 MATCH k*', [{ array: 2 }, '0', { array: 2 }, 'k1', 'k2']],
    ['SCAN 0 COUNT 2', [{ array: 2 }, '2', { array: 2 }, 'k1', 'k2']],
    ['SCAN 2 COUNT 9223372036854775807', [{ array: 2 }, '0', { array: 1 }, 'x']],
    ['SCAN 0 TYPE list', empty],
    ['SCAN -1', empty],
    ['SCAN 18446744073709551615', empty],
    ['SCAN 18446744073709551616', { error: 'ERR invalid cursor' }],
    ['SCAN -', { error: 'ERR invalid cursor' }],
    ["SCAN '' COUNT 100", [{ array: 2 }, '0', { array: 3 }, 'k1', 'k2', 'x']],
    ['SCAN 9223372036854775807', empty],
    ['KEYS [kx]?', [{ array: 2 }, 'k1', 'k2']],
    ['SCAN abc', { error: 'ERR invalid cursor' }],
    ['SCAN 0 COUNT 0', SYNTAX],
    ['SCAN 0 COUNT x', NOT_INTEGER],
    ['SCAN 0 MATCH', SYNTAX],
    ['SCAN 0 __proto__ 1', SYNTAX],
    ['FLUSHALL FOO', SYNTAX],
    ['FLUSHALL ASYNC', OK],
    ['DBSIZE', 0],
  ])
})

it('a connection can name itself, choose its protocol, and leave', () => {
  const bench = new CommandBench()
  expectReplies(
    [
      ['PING', { simple: 'PONG' }],
      ['PING hi', 'hi'],
      ['CLIENT ID', 7],
      ['CLIENT GETNAME', null],
      ['CLIENT SETNAME me', OK],
      ['CLIENT GETNAME', 'me'],
      [
        'CLIENT SETNAME a\x01b',
        { error: 'ERR Client names cannot contain spaces, newlines or special characters.' },
      ],
      ['CLIENT SETINFO lib-name x', OK],
      ['CLIENT NO-EVICT on', OK],
      ['CLIENT NO-EVICT maybe', SYNTAX],
      ['SELECT 0', OK],
      ['SELECT 1', { error: 'ERR DB index is out of range' }],
      ['SELECT x', NOT_INTEGER],
      [
        'SELECT 2147483648',
        { error: 'ERR value is out of range, value must between -2147483648 and 2147483647' },
      ],
      ['HELLO 4', { error: 'NOPROTO unsupported protocol version' }],
      ['HELLO x', { error: 'ERR Protocol version is not an integer or out of range' }],
      ['HELLO 3 FOO', { error: "ERR Syntax error in HELLO option 'FOO'" }],
    ],
    bench,
  )
  assert.equal(bench.context.session.protocol, 2)
  const hello = bench.run('HELLO 3 SETNAME you')
  assert.ok(Array.isArray(hello))
  assert.deepEqual(hello[0], { map: 7 })
  assert.equal(bench.context.session.protocol, 3)
  assert.equal(bench.context.session.name, 'you')
  expectReplies([['RESET', { simple: 'RESET' }]], bench)
  assert.equal(bench.context.session.protocol, 2)
  expectReplies([['QUIT', OK]], bench)
  assert.equal(bench.context.session.closing, true)
})

it('SHUTDOWN asks the node and answers nothing', () => {
  const bench = new CommandBench()
  expectReplies([['SHUTDOWN LATER', SYNTAX]], bench)
  assert.equal(bench.shutdowns, 0)
  expectReplies([['SHUTDOWN NOSAVE', undefined]], bench)
  assert.equal(bench.shutdowns, 1)
})

it('a node tells what tools ask it', () => {
  const bench = new CommandBench()
  expectReplies(
    [
      ['CONFIG GET save', [{ map: 1 }, 'save', '']],
      ['CONFIG GET APPENDONLY', [{ map: 1 }, 'appendonly', 'no']],
      ['CONFIG GET __proto__', { map: 0 }],
      ['CONFIG SET save 1', { error: "ERR Unknown option or number of arguments for CONFIG SET - 'save'" }],
      ['COMMAND COUNT', allCommands().length],
      ['COMMAND DOCS', { map: 0 }],
      ['COMMAND INFO constructor', [{ array: 1 }, null]],
    ],
    bench,
  )
  const info = bench.run('INFO')
  assert.match(String(info), /^# Server\r\n.*\r\nloading:0\r\n/s)
  assert.equal(bench.run('INFO nothing'), '')
  assert.match(String(bench.run('INFO cluster')), /^# Cluster\r\ncluster_enabled:0\r\n$/)
  const all = bench.run('COMMAND')
  assert.ok(Array.isArray(all))
  assert.deepEqual(all[0], { array: allCommands().length })
})

it('a full table and an overlong key are one error each, also in the middle of a reply', () => {
  const bench = new CommandBench(100)
  const full = { error: "OOM command not allowed when used memory > 'maxmemory'." }
  const long = 'x'.repeat(70_000)
  const tooLong = { error: 'ERR a key holds at most 65536 bytes' }
  expectReplies(
    [
      [`SET k ${'v'.repeat(200)}`, full],
      [`SET k ${'v'.repeat(80)}`, OK],
      [`APPEND k ${'v'.repeat(80)}`, full],
      [`MGET k ${long}`, tooLong],
      [`MSET k 1 ${long} 2`, tooLong],
      ['STRLEN k', 80],
      [`GET ${long}`, tooLong],
    ],
    bench,
  )
})
