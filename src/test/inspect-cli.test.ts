/** `hearth inspect`, `check` and `doctor` from a shell, on named tables of a folder of their own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { examine } from '../cli/doctor.js'
import type { Finding } from '../cli/doctor-finding.js'
import { codecs, SharedMap } from '../index.js'
import { HEADER, REGION_STATE } from '../memory/header.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import { regionName } from '../memory/region-name.js'
import { STRIPE } from '../table/layout.js'
import { viewOf } from '../table/view.js'
import { ending, killAtOnce, nextMessage, start } from './named-process.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))

function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { code: number | null; out: string; err: string } {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options)
  return { code: status, out: stdout, err: stderr }
}

interface Inspection {
  readonly name: string
  readonly role: string
  readonly options: { readonly capacityBytes: number; readonly eviction: string }
  readonly participants: readonly {
    readonly process: number
    readonly isAlive: boolean
    readonly holds: string[]
  }[]
  readonly buckets: { readonly buckets: number; readonly byEntries: readonly number[] }
  readonly memory: {
    readonly largeChunks: number
    readonly classes: readonly { readonly used: number; readonly bytes: number }[]
    readonly largeBytes: number
    readonly lineBytes: number
    readonly freeBytes: number
    readonly capacityBytes: number
  }
  readonly stats: { readonly entries: number; readonly sets: number }
}

describe('a named table looked at from a shell', { skip: NO_NAMED_TABLES }, () => {
  let directory: string
  before(() => {
    directory = useScratchDirectory()
  })

  test('is shown with its users, memory and entries', () => {
    const options = { capacity: '2MiB', values: codecs.json<object>(), eviction: 'clock' } as const
    using map = SharedMap.open<string, object>('shown', options)
    for (let n = 0; n < 2000; n++) map.set(`key ${n}`, { n })
    map.set('large', { text: 'x'.repeat(100_000) })
    const { code, out, err } = run(['inspect', 'shown'])
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    assert.match(out, /^name +shown\nstate +ready, direct, layout 1\n/)
    assert.match(
      out,
      /codecs +keys string, values json\noptions +capacity 2MiB, 16 stripes, eviction clock\n/,
    )
    assert.match(out, new RegExp(`\\n0 +${process.pid} +${process.pid} +main +alive +nothing\\n`))
    assert.match(out, /\n2001 entries in 16 stripes \(\d+ to \d+ each\)/)
    const path = regionName('shown').path
    for (const line of out.split('\n')) if (!line.includes(path)) assert.ok(line.length <= 80, line)

    const seen = JSON.parse(run(['inspect', 'shown', '--json']).out) as Inspection
    assert.equal(seen.stats.entries, 2001)
    assert.equal(seen.stats.sets, 2001)
    assert.equal(
      seen.buckets.byEntries.reduce((sum, count, entries) => sum + count * entries, 0),
      2001,
    )
    assert.equal(
      seen.buckets.byEntries.reduce((sum, count) => sum + count, 0),
      seen.buckets.buckets,
    )
    const { memory } = seen
    assert.equal(
      memory.classes.reduce((sum, { used }) => sum + used, memory.largeChunks),
      2001,
    )
    const bytes = memory.classes.reduce((sum, each) => sum + each.bytes, 0)
    assert.equal(bytes + memory.largeBytes + memory.lineBytes + memory.freeBytes, memory.capacityBytes)
  })

  test('shows who is dead and what it held, and the check says what it cannot account for', async () => {
    const map = SharedMap.open('held', { capacity: '1MiB' })
    map.set('k', 'before').close()
    const holder = start({ task: 'hold', name: 'held', key: 'k', gatePath: join(directory, 'gate') })
    assert.equal(await nextMessage(holder), 'holding')
    const usersOf = () => (JSON.parse(run(['inspect', 'held', '--json']).out) as Inspection).participants
    const [alive] = usersOf()
    assert.deepEqual([alive?.process, alive?.isAlive], [holder.pid, true])
    killAtOnce(holder)
    const [dead] = usersOf()
    assert.equal(dead?.isAlive, false)
    assert.deepEqual(
      dead?.holds.map((each) => each.replace(/\d+/, 'N')),
      ['desk N', 'stripe N', 'N chunks'],
    )
    assert.match(run(['inspect', 'held']).out, /DEAD +desk 0, stripe \d+, 2 chunks/)
    assert.deepEqual(run(['check', 'held', '--hold-up']), {
      code: 0,
      out: 'held: good, 1 entry, every chunk and page accounted for\n',
      err: '',
    })
    assert.deepEqual(usersOf(), [])
    await ending(holder)
  })

  test('is good, or is not and the check says what does not hold', () => {
    using map = SharedMap.open('checked', { capacity: '1MiB' })
    for (let n = 0; n < 500; n++) map.set(`k${n}`, `v${n}`)
    assert.deepEqual(run(['check', 'checked']), {
      code: 0,
      out: 'checked: good, 500 entries, every chunk and page accounted for\n',
      err: '',
    })
    const region = MappedRegion.open(Native.load(), regionName('checked'), 0o600)!
    const { words, shape } = viewOf(region)
    words[shape.stripesAt + STRIPE.count]!++
    const { code, out } = run(['check', 'checked'])
    assert.equal(code, 1)
    assert.match(out, /^checked: BROKEN, 501 entries: it does not hold that a stripe counts its entries\n/)
    const json = JSON.parse(run(['check', 'checked', '--json']).out) as { isGood: boolean; wrong: string }
    assert.deepEqual([json.isGood, json.wrong], [false, 'a stripe counts its entries'])
    words[shape.stripesAt + STRIPE.count]!--
    Atomics.store(words, HEADER.state, REGION_STATE.RETIRED)
    assert.match(run(['inspect', 'checked']).out, /\nstate +retired/)
    region.presence.close()
  })

  test('may have a name that looks like a path', () => {
    const name = 'team/sessions'
    using map = SharedMap.open(name, { capacity: '1MiB' })
    map.set('k', 'v')
    const good = `${name}: good, 1 entry, every chunk and page accounted for\n`
    assert.deepEqual(run(['check', '--name', name]), { code: 0, out: good, err: '' })
    assert.match(run(['inspect', '--name', name]).out, /^name +team\/sessions\n/)
    assert.match(run(['ls']).out, /^team\/sessions /m)
    for (const command of ['check', 'inspect']) {
      const path = run([command, name])
      assert.deepEqual([path.code, path.out], [2, ''])
      assert.match(
        path.err,
        /no directory team\/sessions; if a table has that name, say --name team\/sessions/,
      )
      assert.match(run([command, 'a', '--name', name]).err, /what is meant, a or the table team\/sessions\?/)
      // A variable that is there for the node says nothing where an argument does.
      assert.match(run([command, 'nosuch'], { HEARTH_NAME: name }).err, /there is no table 'nosuch'/)
      assert.match(run([command]).err, /name a table or a data directory/)
    }
  })

  test('that is not there, or is none, is said so', () => {
    for (const command of ['check', 'inspect']) {
      const absent = run([command, 'absent'])
      assert.deepEqual([absent.code, absent.out], [1, ''])
      assert.match(absent.err, /there is no table 'absent', and no such directory/)
    }
    assert.equal(run(['check', 'x'.repeat(300)]).code, 3)
    writeFileSync(regionName('foreign').path, 'x'.repeat(100_000), { mode: 0o600 })
    const foreign = run(['inspect', 'foreign'])
    assert.equal(foreign.code, 3)
    assert.match(foreign.err, /is no table/)
    assert.equal(run(['check', directory, '--hold-up']).code, 2)
  })
})

describe('hearth doctor', { skip: NO_NAMED_TABLES }, () => {
  /** What is found while every process that is started first runs `text`. */
  async function examineSpoilt(text: string): Promise<Finding[]> {
    const before = process.env['NODE_OPTIONS'] ?? ''
    process.env['NODE_OPTIONS'] = `--import data:text/javascript,${encodeURIComponent(text)}`
    try {
      return await examine()
    } finally {
      process.env['NODE_OPTIONS'] = before
    }
  }

  const about = (subject: string, findings: readonly Finding[]): Finding | undefined =>
    findings.find((finding) => finding.subject === subject)

  test('tries everything here and finds nothing that keeps Hearth from working', () => {
    const { code, out, err } = run(['doctor'])
    assert.deepEqual({ code, err }, { code: 0, err: '' })
    const subjects = [
      'Node.js',
      'system',
      'shared memory',
      'memory limit',
      'koffi',
      'mapping',
      'futex',
      'kernel locks',
    ]
    for (const subject of [...subjects, '2 MiB pages'])
      assert.match(out, new RegExp(`^(good|POOR)  ${subject} `, 'm'))
    for (const line of out.split('\n')) assert.ok(line.length <= 80, line)
  })

  test('says what to do without koffi', async () => {
    const hideKoffi = `
      import Module from 'node:module'
      const load = Module._load
      Module._load = (name, ...more) => {
        if (name === 'koffi') throw new Error('hidden')
        return load(name, ...more)
      }`
    const koffi = about('koffi', await examineSpoilt(hideKoffi))
    assert.equal(koffi?.verdict, 'bad')
    assert.match(koffi?.advice ?? '', /npm install koffi/)
  })

  test('outlives what it tries', async () => {
    const dying = `if (process.argv[2] === 'futex') process.kill(process.pid, 'SIGSYS')`
    const findings = await examineSpoilt(dying)
    assert.equal(about('futex', findings)?.verdict, 'bad')
    assert.match(about('futex', findings)?.found ?? '', /was ended by SIGSYS/)
    assert.equal(about('kernel locks', findings)?.verdict, 'good')
  })

  test('believes kernel locks only of a process that it has killed', async () => {
    const found = async (text: string) =>
      about('kernel locks', await examineSpoilt(`if (process.argv[2] === 'hold') { ${text} }`))
    assert.match((await found(''))?.found ?? '', /which go with a killed process$/)
    const mute = await found('process.exit(1)')
    assert.deepEqual([mute?.verdict, mute?.found], ['bad', 'a process can lock a free byte'])
    // Another one says that it has the lock, and has not.
    const liar = await found(
      `console.log('locked'); await new Promise((end) => process.stdin.resume().once('end', end))`,
    )
    assert.deepEqual([liar?.verdict, liar?.found], ['bad', 'others see the lock'])
  })

  test('names the directory that is not there', () => {
    const { code, out } = run(['doctor', '--json'], { HEARTH_SHM_DIR: '/dev/shm/hearth-nowhere' })
    assert.equal(code, 1)
    const findings = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Finding)
    assert.equal(about('shared memory', findings)?.verdict, 'bad')
    assert.match(
      about('shared memory', findings)?.found ?? '',
      /^\/dev\/shm\/hearth-nowhere: it is not there/,
    )
  })
})
