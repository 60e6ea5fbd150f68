/** What holds for every command: how it is found, what is said where it is none or is called wrongly, what tools are told of all. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { CommandBench } from '../test/command-bench.js'
import { expectReplies, OK } from '../test/command-replies.js'
import { allCommands, findCommand } from './command-table.js'

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
