/** What cannot be, from whichever side: a clear error of the right kind, and everybody else goes on. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { LaneFile } from '../channel/lane-file.js'
import { LANE, LANE_STATE, laneAt, slotsAt, transferAt } from '../channel/layout.js'
import { CONTROL_VERSION, controlLine } from '../client/control-messages.js'
import { ControlSocket } from '../client/control-socket.js'
import { Client, codecs, isOperationError, Server, SharedMap } from '../index.js'
import { regionName } from '../memory/region-name.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'
import { runSeed, SeededRandom } from './seeded-random.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const options = { skip: NO_NAMED_TABLES }
const isCode = (code: Parameters<typeof isOperationError>[1]) => (error: unknown) =>
  isOperationError(error, code)
const socketOf = (name: string): string => join(directory, `hearth-v1.ctl-${name}`)
const hello = (changes: object = {}): never =>
  ({
    kind: 'hello',
    version: CONTROL_VERSION,
    release: '0',
    process: process.pid,
    window: 4,
    ...changes,
  }) as never

/** Resolves when the other side has hung up, however it did. */
async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => {}).resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

describe('a client is told', options, () => {
  it('at once that there is no server, also where one has died or nobody may look', async () => {
    await assert.rejects(Client.connect('nobody'), isCode('NO_SERVER'))
    const long = 'n'.repeat(190)
    await assert.rejects(Client.connect(long), isCode('NO_SERVER'))
    using _map = SharedMap.open('direct', { capacity: '1MiB' })
    await assert.rejects(Client.connect('direct'), isCode('NO_SERVER'))
  })

  it('what is wrong with its codecs, and keeps no lanes of the server', async () => {
    await using server = await Server.start({ name: 'codecs', capacity: '1MiB', maxClients: 1 })
    await assert.rejects(Client.connect('codecs', { keys: 5 as never }), TypeError)
    await assert.rejects(Client.connect('codecs', { values: {} as never }), TypeError)
    assert.equal(server.clients, 0)
    await using client = await Client.connect('codecs')
    await client.set('k', 'v')
  })

  it('what is wrong with its options', async () => {
    const wrong: [() => Promise<unknown>, new () => Error][] = [
      [() => Client.connect('x', { window: 0 }), RangeError],
      [() => Client.connect('x', { window: 4097 }), RangeError],
      [() => Client.connect('x', { window: 1.5 }), RangeError],
      [() => Client.connect('x', { timeoutMs: 0 }), RangeError],
      [() => Client.connect('x', { timeoutMs: Number.NaN }), RangeError],
      [() => Client.connect('x', { timeoutMs: '5' as never }), TypeError],
      [() => Client.connect('x', 'y' as never), TypeError],
      [() => Client.connect(''), RangeError],
      [() => Client.connect(5 as never), TypeError],
      [() => Client.connect('\ud800'), TypeError],
      [() => Client.connect('x'.repeat(300)), RangeError],
      [() => Server.start({ laneWorkers: 0 }), RangeError],
      [() => Server.start({ laneWorkers: 31 }), RangeError],
      [() => Server.start({ capacity: 5 }), RangeError],
      [() => Server.start({ capacity: 'much' }), RangeError],
      [() => Server.start({ eviction: 'some' as never }), RangeError],
      [() => Server.start({ maxClients: 0 }), RangeError],
      [() => Server.start({ resp: { port: 70_000 } }), RangeError],
      [() => Server.start({ resp: { host: '0.0.0.0' } }), RangeError],
      [() => Server.start('x' as never), TypeError],
    ]
    for (const [call, kind] of wrong) await assert.rejects(call, kind, call.toString())
    const unknown: [() => Promise<unknown>, RegExp][] = [
      [
        () => Server.start({ dataDirectory: '.' } as never),
        /a Server has no option 'dataDirectory'; .*dataDir,/,
      ],
      [() => Server.start({ http: { port: 0 } } as never), /option http of a Server is not built yet/],
      [
        () => Server.start({ insecure: 'no', resp: { host: '0.0.0.0', port: 0 } } as never),
        /insecure must be true or false/,
      ],
      [() => Server.start({ logger: 5 } as never), /logger must have the methods info and warn/],
      [() => Server.start({ dataDir: 'd', onRecovery: 5 } as never), /onRecovery takes a function/],
      [() => Server.start({ resp: { prot: 0 } as never }), /resp has no option 'prot'; .* port, host$/],
      [() => Server.start({ resp: {}, text: { port: 0, lines: 1 } as never }), /text has no option 'lines'/],
      [() => Client.connect('x', { timeout: 5 } as never), /a Client has no option 'timeout'; .*timeoutMs$/],
    ]
    for (const [call, message] of unknown) await assert.rejects(call, { name: 'TypeError', message })
    assert.deepEqual(
      readdirSync(directory).filter((file) => file !== 'hearth-v1-direct'),
      [],
    )
  })

  it('that a call has no option of that name, before anything is sent', async () => {
    await using server = await Server.start({ name: 'calls', capacity: '1MiB' })
    await using client = server.client()
    const message =
      /has no option '\w+'; the options are timeoutMs, signal, ttlMs, keepTtl, ifVersion, by, count$/
    for (const call of [
      () => client.set('k', 'v', { ttl: 5000 } as never),
      () => client.setMany([['k', 'v']], { ttl: 5000 } as never),
      () => client.insert('k', 'v', { timeout: 5 } as never),
      () => client.get('k', { timeout: 5 } as never),
      () => client.compute('k', () => 'v', { timeout: 5 } as never),
      async () => client.sync.set('k', 'v', { ttl: 5000 } as never),
      async () => client.sync.get('k', { timeout: 5 } as never),
      async () => client.submit('set', 'k', 'v', { ttl: 5000 } as never),
    ])
      await assert.rejects(call, { name: 'TypeError', message }, call.toString())
    assert.equal(await client.size(), 0)
    await client.set('k', 'v', { ttlMs: 60_000, timeoutMs: 60_000 })
    assert.equal(client.sync.get('k', { timeoutMs: 60_000 }), 'v')
  })

  it('that a table is served, or shared directly, and not the other', async () => {
    await using server = await Server.start({ name: 'served', capacity: '1MiB' })
    assert.throws(() => SharedMap.open('served'), isCode('SERVED'))
    await using client = server.client()
    client.sync.set('k', 'v')
    using reader = SharedMap.open('served', { access: 'ro', keys: codecs.bytes, values: codecs.bytes })
    assert.equal(Buffer.from(reader.get(Buffer.from('k')) ?? []).toString(), 'v')
    using _map = SharedMap.open('shared', { capacity: '1MiB' })
    await assert.rejects(Server.start({ name: 'shared' }), isCode('REFUSED'))
    assert.equal(SharedMap.list().find(({ name }) => name === 'served')?.role, 'served')
    assert.equal(SharedMap.list().find(({ name }) => name === 'shared')?.role, 'direct')
  })

  it('that the server has all the clients it takes', async () => {
    await using server = await Server.start({ name: 'few', capacity: '1MiB', maxClients: 2 })
    const first = await Client.connect('few')
    await using _second = await Client.connect('few')
    await assert.rejects(Client.connect('few'), isCode('REFUSED'))
    assert.throws(() => server.client(), isCode('REFUSED'))
    await first.close()
    while (server.clients === 2) await new Promise((resolve) => setImmediate(resolve))
    let third: Client | undefined
    // The rows come back once the workers have put the lanes down.
    while (third === undefined) third = await Client.connect('few').catch(() => undefined)
    await third.set('k', 'v')
    await third.close()
  })

  it('that it is of another release, or that the file is another user’s', async (t) => {
    await using _server = await Server.start({ name: 'other', capacity: '1MiB' })
    const name = regionName('other')
    await assert.rejects(ControlSocket.open(name, hello({ version: 99 }), 5000), isCode('MISMATCH'))
    await assert.rejects(ControlSocket.open(name, hello({ window: 5000 }), 5000), isCode('REFUSED'))
    assert.equal(statSync(socketOf('other')).mode & 0o777, 0o600)
    if (process.geteuid?.() !== 0) {
      t.diagnostic('only root can give files away')
      return
    }
    chownSync(name.path, 12345, 12345)
    await assert.rejects(Client.connect('other'), isCode('REFUSED'))
    chownSync(name.path, 0, 0)
    await (await Client.connect('other')).close()
  })
})

describe('a server takes no harm', options, () => {
  it('from what strangers say on its registration socket', async (t) => {
    await using server = await Server.start({ name: 'talk', capacity: '1MiB' })
    await using witness = await Client.connect('talk')
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const random = new SeededRandom(seed)
    const line = (message: unknown): string => `${JSON.stringify(message)}\n`
    const noise = Buffer.from(Array.from({ length: 3000 }, () => random.below(256)))
    const words: (string | Buffer)[] = [
      '\n',
      'GET / HTTP/1.1\r\n\r\n',
      'null\n',
      '5\n',
      '{"kind":"hello"}\n',
      line({ kind: 'mapped' }),
      line({ kind: 'welcome' }),
      line({ ...(hello() as object), window: 'x' }),
      line({ ...(hello() as object), process: null }),
      `${'x'.repeat(100_000)}\n`,
      'x'.repeat(100_000),
      controlLine(hello()) + controlLine(hello()),
      controlLine(hello()) + line({ kind: 'mapped' }),
      noise,
    ]
    for (const said of words) {
      const socket = connect(socketOf('talk'))
      const end = closed(socket)
      socket.write(said)
      await end
      await witness.set('k', 'v')
    }
    while (server.clients > 1) await new Promise((resolve) => setImmediate(resolve))
    // One that says nothing at all is left, and costs nothing.
    const silent = connect(socketOf('talk'))
    await once(silent, 'connect')
    assert.equal(await witness.get('k'), 'v')
    silent.destroy()
  })

  it('from a client that writes whatever it likes into its own lane', async (t) => {
    const warnings: string[] = []
    const logger = { info: () => {}, warn: (message: string) => void warnings.push(message) }
    await using server = await Server.start({ name: 'wild', capacity: '4MiB', laneWorkers: 2, logger })
    await using witness = await Client.connect('wild')
    const seed = runSeed()
    t.diagnostic(`seed ${seed}`)
    const random = new SeededRandom(seed)
    const name = regionName('wild')
    for (let round = 0; round < 30; round++) {
      const { control, welcome } = await ControlSocket.open(
        name,
        hello({ window: 1 + random.below(64) }),
        5000,
      )
      const { words } = LaneFile.open(welcome.laneFile).region.segments[0]!
      control.confirm()
      const gone = new Promise<void>((resolve) => control.onGone(resolve))
      for (let i = 0; i < 3000; i++) words[random.below(words.length)] = random.next()
      await witness.set('k', `${round}`)
      assert.equal(await witness.get('k'), `${round}`)
      // One that was dropped is hung up on; one whose noise meant nothing goes by itself.
      control.ref()
      if (round % 2 === 0) control.close()
      else {
        for (let i = 0; i < words.length; i++) words[i] = random.next()
        setTimeout(() => control.close(), 200)
      }
      await gone
    }
    while (server.clients > 1) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(warnings.length > 0)
    assert.match(warnings[0]!, /dropped/)
    assert.equal(witness.sync.size(), 1)
    server.check()
  })
})

describe('a client that the server hangs up on', options, () => {
  it('keeps what it has mapped: it may be looking there', async () => {
    await using server = await Server.start({ name: 'hung', capacity: '4MiB' })
    const { control, welcome } = await ControlSocket.open(regionName('hung'), hello({ window: 8 }), 5000)
    const file = LaneFile.open(welcome.laneFile)
    const { words } = file.region.segments[0]!
    control.confirm()
    const gone = new Promise<void>((resolve) => control.onGone(resolve))
    // No state of a slot that may follow the one it has.
    words.fill(-1, slotsAt(file.geometry, 0), transferAt(file.geometry, 0))
    control.ref()
    await gone
    while (server.clients > 0) await new Promise((resolve) => setImmediate(resolve))
    // The workers have put the lanes of the one down before they take up those of the next.
    await using _next = await Client.connect('hung')
    assert.equal(words[laneAt(file.geometry, 0) + LANE.state], LANE_STATE.CLOSED)
    assert.equal(words[slotsAt(file.geometry, 0)], -1)
  })
})

describe('a file system that is full', { skip: NO_NAMED_TABLES || mayNotMount() }, () => {
  it('is FULL with the cure, for servers and for clients, and those there are go on', async () => {
    const small = mkdtempSync(join(tmpdir(), 'hearth-small-'))
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]).status, 0)
    process.env['HEARTH_SHM_DIR'] = small
    const isCured = (error: unknown): boolean =>
      isOperationError(error, 'FULL') && /shm-size/.test(error.message)
    try {
      await using _server = await Server.start({ name: 'small', capacity: '64MiB' })
      const witness = await Client.connect('small')
      const clients: Client[] = []
      await assert.rejects(async () => {
        for (;;) clients.push(await Client.connect('small', { window: 512 }))
      }, isCured)
      await assert.rejects(Server.start({ name: 'none', capacity: '64MiB' }), isCured)
      assert.deepEqual(
        readdirSync(small).filter((file) => file.includes('none') || file.includes('.lane-')),
        [],
      )
      await assert.rejects(async () => {
        for (let i = 0; ; i++) await witness.set(`key ${i}`, 'x'.repeat(20_000))
      }, isCured)
      assert.equal(await witness.get('key 0'), 'x'.repeat(20_000))
      assert.equal(await witness.delete('key 0'), true)
      for (const client of clients) await client.close()
      await witness.close()
    } finally {
      process.env['HEARTH_SHM_DIR'] = directory
      spawnSync('umount', ['--lazy', small])
      rmSync(small, { recursive: true, force: true })
    }
  })
})

function mayNotMount(): string | false {
  const place = mkdtempSync(join(tmpdir(), 'hearth-small-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place])
  if (status === 0) spawnSync('umount', [place])
  rmSync(place, { recursive: true })
  return status === 0 ? false : 'this user may not mount a file system'
}
