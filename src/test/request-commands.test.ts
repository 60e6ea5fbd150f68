/** bin/server and bin/client of original 001, as processes: their flags, files, output and exit codes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { writeWorkload } from '../workload/workload-writer.js'
import { leftovers, NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const BIN = fileURLToPath(new URL('../../bin', import.meta.url))
const FIGURES = /^Total time: (\d+\.\d{6}) ms\nThroughput: (\d+\.\d{6}) K\/s\n$/

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Ends with the test that starts it at the latest: one left over would keep the whole file waiting. */
function start(program: string, args: readonly string[], folder: string): ChildProcess {
  const child = spawn(process.execPath, [join(BIN, program), ...args], { cwd: folder })
  after(() => child.kill('SIGKILL'))
  return child
}

async function finish(child: ChildProcess): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin?.end()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** A server that is ready; it ends with `stop`, which resolves with how it ended. */
async function startServer(folder: string, ...args: string[]) {
  const child = start('server', args, folder)
  const ended = finish(child)
  await Promise.race([
    once(child.stdout ?? child, 'data'),
    ended.then(({ err }) => assert.fail(`the server did not start: ${err}`)),
  ])
  return {
    stop: (signal: NodeJS.Signals): Promise<Ended> => {
      child.kill(signal)
      return ended
    },
  }
}

/** Resolves when the client says that it is connected. */
async function sending(child: ChildProcess): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
  const ended = finish(child)
  let err = ''
  await Promise.race([
    new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: string) => {
        err += text
        if (err.includes('connected with')) resolve()
      })
    }),
    ended.then(() => assert.fail(`the client ended: ${err}`)),
  ])
  return { child, ended }
}

describe('the commands of original 001', { skip: NO_NAMED_TABLES }, () => {
  let folder: string
  const client = (...args: string[]): Promise<Ended> => finish(start('client', args, folder))
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)

  before(() => {
    folder = useScratchDirectory()
    const paths = { workload: join(folder, 'workload.txt'), solution: join(folder, 'solution.txt') }
    writeWorkload({ requests: 5003, skew: 1.2, putRatio: 0.5, seed: 11 }, paths)
  })
  after(() => assert.deepEqual(leftovers(folder), []))

  for (const [threads, window, workers] of [
    ['1', '1', '1'],
    ['3', '7', '2'],
    ['4', '64', '2'],
    ['2', '4096', '1'],
  ] as const) {
    it(`${threads} threads with a window of ${window} get right answers from ${workers} server threads`, async () => {
      const ended = await client('-f', '-c', '-v', '-n', threads, '-w', window, '-t', workers, '-s', '100')
      assert.equal(ended.code, 0, ended.err)
      assert.match(ended.out, FIGURES)
      const [, total = '', rate = ''] = FIGURES.exec(ended.out) ?? []
      assert.ok(Math.abs(5003 / Number(total) / Number(rate) - 1) < 1e-3, ended.out)
      const sent = [...ended.err.matchAll(/^thread \d+: (\d+) puts, (\d+) gets, 0 wrong/gm)]
      assert.equal(sent.length, Number(threads))
      assert.equal(
        sent.reduce((sum, [, puts, gets]) => sum + Number(puts) + Number(gets), 0),
        5003,
        'the remainder of the division is sent, too',
      )
    })
  }

  it('a wrong answer is told as the original tells it, with exit code 1 and no figures', async () => {
    write('one.txt', 'put 5 7\nget 5\nget 6\nput 4294967295 4294967295\nget 4294967295\n')
    write('right.txt', '7\n0\n4294967295\n')
    write('wrong.txt', '8\n0\n4294967294\n')
    const right = await client('-f', '-c', '-n', '1', '-i', 'one.txt', '-e', 'right.txt')
    assert.deepEqual([right.code, right.err], [0, ''])
    const wrong = await client('-f', '-c', '-n', '1', '-w', '4', '-i', 'one.txt', '-e', 'wrong.txt')
    assert.deepEqual(wrong, {
      code: 1,
      out: '',
      err: 'Get(5) should return 8, but got 7\nGet(4294967295) should return 4294967294, but got 4294967295\n',
    })
    const unchecked = await client('-f', '-n', '2', '-i', 'one.txt', '-e', 'nowhere.txt')
    assert.equal(unchecked.code, 0)
    assert.match(unchecked.out, FIGURES)
  })

  it('a workload without requests takes no time', async () => {
    write('empty.txt', '')
    const ended = await client('-f', '-c', '-i', 'empty.txt', '-e', 'empty.txt')
    assert.equal(ended.out, 'Total time: 0.000000 ms\nThroughput: 0.000000 K/s\n')
    assert.equal(ended.code, 0)
  })

  it('what was put stays with a server that runs on, and a second one of the name is refused', async () => {
    const server = await startServer(folder, '-n', '2', '-s', '16', '--name', 'stays')
    write('put.txt', 'put 1 11\nput 2 22\n')
    write('get.txt', 'get 1\nget 2\nget 3\n')
    write('got.txt', '11\n22\n0\n')
    assert.equal((await client('--name', 'stays', '-i', 'put.txt')).code, 0)
    const got = await client('--name', 'stays', '-c', '-i', 'get.txt', '-e', 'got.txt', '-n', '2')
    assert.deepEqual([got.code, got.err], [0, ''])
    const second = await finish(start('server', ['--name', 'stays'], folder))
    assert.equal(second.code, 3)
    assert.match(second.err, /^server: .*stays/)
    const { code, err } = await server.stop('SIGTERM')
    assert.deepEqual([code, err], [0, ''])
  })

  it('without a server it says so at once', async () => {
    const ended = await client('--name', 'nobody')
    assert.equal(ended.code, 3)
    assert.match(ended.err, /^client: .*nobody.*bin\/server/)
  })

  it('a server that cannot be started is told', async () => {
    const missing = await client('-f', '-x', './no-such-server')
    assert.equal(missing.code, 3)
    assert.match(missing.err, /no-such-server could not be started/)
    const failing = await client('-f', '-x', '/bin/false')
    assert.equal(failing.code, 3)
    assert.match(failing.err, /\/bin\/false ended with code 1 before it was ready/)
  })

  it('files that cannot be read are named with their line', async () => {
    write('bad.txt', 'put 1 2\nput 1\n')
    const bad = await client('-f', '-i', 'bad.txt')
    assert.equal(bad.code, 2)
    assert.match(
      bad.err,
      /^client: bad\.txt line 2: a request is 'put <key> <value>' or 'get <key>', not "put 1"\n$/,
    )
    const missing = await client('-i', 'missing.txt')
    assert.deepEqual([missing.code, missing.err], [2, 'client: missing.txt: there is no such file\n'])
    write('short.txt', '1\n')
    const short = await client('-f', '-c', '-e', 'short.txt')
    assert.equal(short.code, 2)
    assert.match(short.err, /^client: short\.txt: has 1 answers, but the workload has \d+ GETs\n$/)
  })

  it('wrong flags are wrong use, and -h lists them all', async () => {
    const wrong = [['-w', '0'], ['-w', '4097'], ['-n', 'x'], ['-t', '0'], ['-s', '0'], ['-q'], ['extra']]
    const ends = await Promise.all(wrong.map((flags) => client(...flags)))
    assert.deepEqual(
      ends.map(({ code }) => code),
      wrong.map(() => 2),
    )
    const help = await client('-h')
    assert.equal(help.code, 0)
    for (const flag of ['-n', '-w', '-t', '-s', '-f', '-c', '-i', '-e', '-x', '-v', '-h'])
      assert.match(help.out, new RegExp(`^ +${flag}, --`, 'm'))
    assert.equal((await finish(start('server', ['-n', '0'], folder))).code, 2)
  })

  it('a server that dies ends its client, and so does Ctrl-C', async () => {
    write('long.txt', 'get 1\n'.repeat(3_000_000))
    const server = await startServer(folder, '--name', 'dies')
    const send = ['-v', '-n', '2', '-i', 'long.txt']
    const orphan = await sending(start('client', ['--name', 'dies', ...send], folder))
    assert.equal((await server.stop('SIGKILL')).code, null)
    const gone = await orphan.ended
    assert.equal(gone.code, 3)
    assert.match(gone.err, /\nclient: the server has (?:gone|ended)/)
    assert.equal(gone.out, '')
    const stopped = await sending(start('client', ['-f', ...send], folder))
    stopped.child.kill('SIGINT')
    const { code, err } = await stopped.ended
    assert.equal(code, 3)
    assert.match(err, /\nclient: stopped before all was sent\n$/)
    const [, pid = ''] = /as process (\d+)/.exec(err) ?? []
    assert.equal(isAlive(Number(pid)), false)
  })

  it('a client that is killed leaves no server behind', async () => {
    const folderOf = (): string =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
    write('long.txt', 'get 1\n'.repeat(3_000_000))
    const child = start('client', ['-f', '-v', '-n', '1', '-i', 'long.txt'], folder)
    let err = ''
    child.stderr?.setEncoding('utf8')
    for await (const text of child.stderr ?? []) if ((err += String(text)).includes('as process')) break
    const [, pid = ''] = /as process (\d+)/.exec(err) ?? []
    assert.equal(folderOf(), pid)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10))
  })
})

function isAlive(pid: number): boolean {
  try {
    // A process whose parent is gone and that has ended may stay as a zombie for a while.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
