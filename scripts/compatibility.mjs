/**
 * Writes docs/COMPATIBILITY.md: every command of a redis-server with its status here, found out by asking the node, and
 * the packages and programs that were tried, by running them. Needs redis-server, redis-cli and redis-benchmark.
 * `node scripts/compatibility.mjs --check` writes nothing and fails if the page would change (but for versions).
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { ensureReady, main, ROOT, SetupError } from './setup.mjs'

const PAGE = join(ROOT, 'docs', 'COMPATIBILITY.md')
const run = promisify(execFile)
const PROGRAM_TIMEOUT_MS = 60_000

/** What a command does otherwise than in Redis, or why it is not there. */
const NOTES = {
  append: 'values end at 64 MiB (512 MB in Redis)',
  auth: 'no passwords yet: answers as a Redis without one',
  client: 'NO-EVICT, NO-TOUCH and SETINFO are accepted and change nothing',
  command: 'COUNT, DOCS (empty), INFO (without key specifications and categories)',
  config: 'GET of a few names; nothing can be set at run time',
  dbsize: 'what has expired counts until it is swept',
  exec: 'a full table refuses all of it; walks inside (KEYS, SCAN, DBSIZE, RANDOMKEY) are not of one moment',
  expire: 'moments beyond 2^53 ms since 1970 are refused',
  expireat: 'as EXPIRE',
  flushall: 'key by key, not in one step; ASYNC and SYNC are the same',
  flushdb: 'as FLUSHALL',
  getex: 'as EXPIRE for its times',
  hello: 'AUTH within it as AUTH',
  incrbyfloat: 'the digits of a Redis on x86-64',
  info: 'the sections and lines that Hearth has facts for',
  keys: 'a walk, as SCAN',
  pexpire: 'as EXPIRE',
  pexpireat: 'as EXPIRE',
  psetex: 'as EXPIRE for its time',
  publish: 'a message to the own connection (RESP3) comes behind the reply of a transaction, not within it',
  randomkey: 'not evenly drawn',
  scan: 'a key that stays is returned exactly once; a cursor that was not handed out ends the walk; the only TYPE is string',
  select: 'there is one database, 0',
  set: 'as EXPIRE for its times',
  setex: 'as EXPIRE for its time',
  setrange: 'as APPEND',
  shutdown: 'the options are read; there is nothing to save',
  time: 'microseconds are whole milliseconds',
  type: 'string or none',
  watch: 'a key that was absent and is absent again has not changed',
  unlink: 'as DEL',
}

/** Families of which Hearth has nothing; named in one line each. */
const FAMILY_NOTES = {
  bitmap: 'bits of strings',
  cluster: 'a later version stands before a cluster, it is none itself',
  geo: 'another kind of value',
  hash: 'another kind of value',
  hyperloglog: 'another kind of value',
  list: 'another kind of value',
  scripting: 'not planned',
  set: 'another kind of value',
  'sorted-set': 'another kind of value',
  stream: 'another kind of value',
}

/**
 * Every command that the server at `redis` knows, with its group and the names of its subcommands.
 * @param {Redis} redis
 */
async function commandsOf(redis) {
  const infos = /** @type {any[]} */ (await redis.call('COMMAND'))
  const docs = /** @type {any[]} */ (await redis.call('COMMAND', 'DOCS'))
  const groups = new Map()
  for (let i = 0; i < docs.length; i += 2) groups.set(docs[i], docs[i + 1][docs[i + 1].indexOf('group') + 1])
  return infos
    .map((info) => ({
      name: String(info[0]),
      group: String(groups.get(info[0])),
      members: info[9].map((/** @type {any[]} */ member) => String(member[0]).split('|')[1]).sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Whether the node has this member of a family of commands, whatever it says about the number of its arguments.
 * @param {Redis} hearth
 * @param {string} name
 * @param {string} member
 */
async function hasMember(hearth, name, member) {
  try {
    await hearth.call(name, member)
  } catch (error) {
    return !/unknown subcommand/.test(String(error))
  }
  return true
}

/**
 * @param {Redis} redis
 * @param {Redis} hearth
 */
async function commandSections(redis, hearth) {
  const groups = new Map()
  for (const { name, group, members } of await commandsOf(redis)) {
    const [info] = /** @type {unknown[]} */ (await hearth.call('COMMAND', 'INFO', name))
    const there = info !== null
    const known = []
    for (const member of there ? members : []) {
      if (await hasMember(hearth, name, member)) known.push(member)
    }
    const rows = groups.get(group) ?? []
    rows.push({
      name,
      there,
      known,
      unknown: members.filter((/** @type {string} */ m) => !known.includes(m)),
    })
    groups.set(group, rows)
  }
  const [served, unserved] = [[...groups].filter(hasSome), [...groups].filter((group) => !hasSome(group))]
  const byGroup = (/** @type {[string, any]} */ a, /** @type {[string, any]} */ b) => (a[0] < b[0] ? -1 : 1)
  return [
    ...served.sort(byGroup).map(([group, rows]) => section(group, rows)),
    `### Not there at all\n\n${unserved.sort(byGroup).map(line).join('\n')}`,
  ].join('\n\n')
}

/** @param {[string, { there: boolean }[]]} group */
function hasSome([, rows]) {
  return rows.some(({ there }) => there)
}

/**
 * @param {string} group
 * @param {{ name: string, there: boolean, known: string[], unknown: string[] }[]} rows
 */
function section(group, rows) {
  const there = rows
    .filter((row) => row.there)
    .map((row) => `| ${row.name.toUpperCase()} | ${remarks(row)} |`)
  const missing = rows.filter((row) => !row.there).map(({ name }) => withNote(name))
  const rest = missing.length === 0 ? '' : `\n\nNot there: ${missing.join(', ')}.`
  return `### ${group}\n\n| command | what differs |\n|---|---|\n${there.join('\n')}${rest}`
}

/** @param {{ name: string, known: string[], unknown: string[] }} row */
function remarks({ name, known, unknown }) {
  const note = NOTES[/** @type {keyof typeof NOTES} */ (name)]
  const members = known.length === 0 ? undefined : `has ${known.join(', ')}; not ${unknown.join(', ')}`
  return [note, members].filter((text) => text !== undefined).join('. ')
}

/** @param {string} name */
function withNote(name) {
  const note = NOTES[/** @type {keyof typeof NOTES} */ (name)]
  return note === undefined ? name.toUpperCase() : `${name.toUpperCase()} (${note})`
}

/** @param {[string, { name: string }[]]} group */
function line([group, rows]) {
  const note = FAMILY_NOTES[/** @type {keyof typeof FAMILY_NOTES} */ (group)] ?? 'not there'
  return `- **${group}**, ${note}: ${rows.map(({ name }) => name.toUpperCase()).join(' ')}`
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version
}

/**
 * What each program says, or the first line of its complaint.
 * @param {string} port
 */
async function programRows(port) {
  const cli = (/** @type {string[]} */ ...args) => tried('redis-cli', ['-p', port, ...args])
  const bench = (/** @type {string} */ tests) =>
    tried('redis-benchmark', ['-p', port, '-q', '-n', '2000', '-P', '16', '-t', tests])
  const rows = [
    ['`redis-cli -3 set k v`', await cli('-3', 'set', 'k', 'v')],
    ['`redis-cli --scan`', await cli('--scan')],
    ['`redis-cli --bigkeys`', await cli('--bigkeys')],
    [
      '`redis-cli --pipe`',
      await tried('sh', ['-c', `printf 'SET a 1\\r\\nGET a\\r\\n' | redis-cli -p ${port} --pipe`]),
    ],
    ['`redis-cli -r 3 ping`', await cli('-r', '3', 'ping')],
    [
      '`redis-cli`, a transaction',
      await tried('sh', ['-c', `printf 'MULTI\\nSET a 1\\nEXEC\\n' | redis-cli -p ${port}`]),
    ],
    ['`redis-benchmark -t ping,set,get,incr,mset`', await bench('ping,set,get,incr,mset')],
    ['`redis-benchmark -t lpush,sadd,hset,zadd`', await bench('lpush,sadd,hset,zadd')],
  ]
  return rows.map(([program, outcome]) => `| ${program} | ${outcome} |`).join('\n')
}

/**
 * @param {string} program
 * @param {string[]} args
 */
async function tried(program, args) {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: PROGRAM_TIMEOUT_MS })
    const complaint = /(ERR[^\r\n]*)/.exec(stdout + stderr)?.[1]
    return complaint === undefined ? 'works' : `no: \`${complaint.trim()}\``
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error)
    return `no: \`${/(ERR[^\r\n]*)/.exec(stdout + stderr)?.[1] ?? String(error).split('\n')[0]}\``
  }
}

/** The test files that run each package against a node, and whether they pass. */
async function packageRows() {
  const files = ['node-clients', 'node-messages'].map((name) => join(ROOT, 'dist', 'test', `${name}.test.js`))
  const works = await run(process.execPath, ['--test', ...files], { timeout: PROGRAM_TIMEOUT_MS }).then(
    () => 'works',
    () => 'no: its tests fail',
  )
  return [
    `| ioredis ${versionOf('ioredis')} | ${works}: commands, binary values, pipelines with errors in place, scan streams, MULTI, WATCH, SUBSCRIBE |`,
    `| redis (node-redis) ${versionOf('redis')}, RESP2 and RESP3 | ${works}: commands, 1000 at once, scan iterators, INFO, CONFIG GET, MULTI, WATCH, SUBSCRIBE |`,
  ].join('\n')
}

/** The page, and the version of Redis that it was made with. */
async function page() {
  const { NO_REDIS, startRedisPeers } = await import('../dist/test/redis-peers.js')
  if (NO_REDIS !== false) throw new SetupError(NO_REDIS)
  const peers = await startRedisPeers(2)
  const redis = new Redis({ path: peers.redisPath })
  const hearth = new Redis({ host: '127.0.0.1', port: peers.hearthPort })
  try {
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1]
    const commands = await commandSections(redis, hearth)
    await hearth.flushall()
    const programs = await programRows(String(peers.hearthPort))
    return `${HEAD}
## Programs and packages tried

| tried (the programs are of Redis ${version}) | outcome |
|---|---|
${await packageRows()}
${programs}

## Commands

By the list of commands of Redis ${version}. Where nothing is noted, no difference is known.

${commands}
`
  } finally {
    redis.disconnect()
    hearth.disconnect()
    await peers.close()
  }
}

const HEAD = `<!-- Written by scripts/compatibility.mjs: change that, not this. -->
# What of Redis is here

A node speaks RESP2, RESP3 and inline commands, and answers as Redis 7 does, errors included. The test
src/test/redis-differential.test.ts sends the same random commands to a redis-server and to a node and compares every
reply byte by byte, in both versions of the protocol: odd options in odd orders, numbers at the edges of int64, names
like \`__proto__\`, wrong numbers of arguments; src/test/redis-transactions.test.ts does so in and around transactions, and
with messages. What it leaves out is what this page calls different.

Failures that Redis does not know have its word in front where there is one (\`MISCONF DISK_FULL: ...\`, \`OOM ...\`). Where the
change may have happened all the same, as when a sync of the log fails under it, the line ends with \`(outcome unknown)\`;
without that, it certainly has not.

Bounds: keys 64 KiB, values 64 MiB, 1 048 576 arguments and 256 MiB a command, an inline command 64 KiB,
256 MiB of unread replies (then the connection is dropped), 96 MiB of watched keys. What is beyond
is an error, in Redis's words where it has some. There is one kind of value, the string, and one database.
`

await main(async () => {
  const [flag] = process.argv.slice(2)
  if (flag !== undefined && flag !== '--check') throw new SetupError(`unknown option ${flag}; known: --check`)
  ensureReady()
  const text = await page()
  const plain = (/** @type {string} */ page) => page.replace(/\d+\.\d+\.\d+/g, '')
  if (flag === undefined) writeFileSync(PAGE, text)
  else if (plain(readFileSync(PAGE, 'utf8')) !== plain(text))
    throw new SetupError('docs/COMPATIBILITY.md is not what scripts/compatibility.mjs writes: run it')
  process.exit(0)
})
