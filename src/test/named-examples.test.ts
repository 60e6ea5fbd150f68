/** The examples of several processes, as a user runs them: node:cluster, and pm2 with a reload in the middle. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { codecs, SharedMap } from '../index.js'
import { ReloadedApp } from './named-reload.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const APP = join(EXAMPLES, 'pm2/app.mjs')
const ECOSYSTEM = join(EXAMPLES, 'pm2/ecosystem.config.cjs')
const INSTANCES = 4
/** An answer that takes longer was lost. */
const ANSWER_MS = 30_000
const run = promisify(execFile)
const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
const NO_PM2 =
  spawnSync('pm2', ['--version'], { env: { ...process.env, PM2_HOME: join(directory, 'pm2-probe') } })
    .status === 0
    ? false
    : 'there is no pm2 here'

interface Answer {
  readonly release: string
  readonly process: number
  readonly visits: number
  /** Of this user's session; 0 where the instance had to do without. */
  readonly pages: number
}

/** A port that nobody listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function ask(port: number, user: string): Promise<Answer> {
  const [response] = await once(
    get({
      port,
      host: '127.0.0.1',
      path: `/?user=${user}`,
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
    }),
    'response',
  )
  return JSON.parse((await response.toArray()).join('')) as Answer
}

/** Asks again and again until told to stop; resolves with all answers. */
function askOnAndOn(port: number, user: string): { stop(): Promise<readonly Answer[]> } {
  let isOver = false
  const asking = (async () => {
    const answers: Answer[] = []
    while (!isOver) answers.push(await ask(port, user))
    return answers
  })()
  return {
    stop: () => {
      isOver = true
      return asking
    },
  }
}

/** What must be right whoever reloads: no request is lost, every visit is counted once, no session is of the wrong kind. */
async function throughReload(port: number, reload: () => Promise<void>): Promise<readonly Answer[]> {
  const before: Answer[] = []
  for (let i = 0; i < 12; i++) before.push(await ask(port, 'ada'))
  assert.deepEqual(
    before.map(({ pages }) => pages),
    Array.from({ length: 12 }, (_, index) => index + 1),
    'one session for all instances',
  )
  assert.ok(new Set(before.map((answer) => answer.process)).size > 1)
  const asking = askOnAndOn(port, 'ada')
  await reload()
  const during = await asking.stop()
  const after: Answer[] = []
  for (let i = 0; i < 12; i++) after.push(await ask(port, 'ada'))
  const all = [...before, ...during, ...after]
  assert.deepEqual(
    all.map(({ visits }) => visits),
    all.map((_, index) => index + 1),
    'every visit is counted once, through the reload',
  )
  assert.ok(after.every(({ release }) => release === '2'))
  let pages = 0
  for (const answer of all.filter(({ release }) => release === '2')) assert.equal(answer.pages, ++pages)
  for (const { pages } of during.filter(({ release }) => release === '1'))
    assert.ok(pages === 0 || pages > 12)
  return all
}

test('processes of node:cluster share counters, rate limits and sessions', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const { stdout } = await run(process.execPath, [join(EXAMPLES, 'cluster/cluster.mjs')], {
    timeout: 120_000,
  })
  assert.deepEqual(stdout.split('\n'), [
    '4 processes answered',
    '160 visits counted of 160',
    'ada: 100 pages in one session that 4 processes wrote',
    'ada: 28 of 128 requests were over the limit of 100',
    '',
  ])
  assert.deepEqual(SharedMap.list(), [], 'it takes its tables away')
})

describe('an app whose next release stores its sessions differently', { skip: NO_NAMED_TABLES }, () => {
  test('goes on through a reload as pm2 does it', async () => {
    const app = new ReloadedApp()
    await app.start(APP, INSTANCES, { PORT: '0', RELEASE: '1' })
    try {
      const answers = await throughReload(app.port, () => app.reload({ PORT: '0', RELEASE: '2' }))
      assert.equal(new Set(answers.map((answer) => answer.process)).size, 2 * INSTANCES)
      using visits = SharedMap.open('pm2-visits', { mode: 'open', values: codecs.uint32 })
      assert.equal(visits.get('all'), answers.length)
      visits.check()
    } finally {
      await app.stop()
    }
    assert.deepEqual(app.endings, Array(2 * INSTANCES).fill(0))
    for (const { name, participants } of SharedMap.list()) {
      assert.equal(participants, 0, name)
      SharedMap.unlink(name)
    }
  })

  test('goes on through pm2 reload itself', { skip: NO_PM2 }, async () => {
    const PORT = String(await freePort())
    const env = { ...process.env, PORT, PM2_HOME: join(directory, 'pm2'), PM2_DISCRETE_MODE: 'true' }
    const pm2 = (release: string, ...argv: string[]) =>
      run('pm2', argv, { env: { ...env, RELEASE: release }, timeout: 120_000 })
    try {
      await pm2('1', 'start', ECOSYSTEM)
      const reload = () => pm2('2', 'reload', ECOSYSTEM, '--update-env').then(() => undefined)
      await throughReload(Number(PORT), reload)
    } finally {
      await pm2('2', 'kill')
    }
    for (const { name } of SharedMap.list()) SharedMap.unlink(name)
  })
})
