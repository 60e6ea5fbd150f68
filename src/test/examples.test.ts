/**
 * Runs every example as a user does, in a process of its own, against the built package by its own name, and checks
 * what it prints. The README's ten lines are the sessions example.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NO_NAMED_TABLES } from './named-scratch.js'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

async function outputOf(example: string, ...options: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(ROOT, 'examples', example), ...options], {
    timeout: 120_000,
  })
  return stdout
}

test('the sessions example prints the session that another thread has changed', async () => {
  assert.equal(await outputOf('sessions/sessions.mjs'), "{ user: 'ada', visits: 2 }\n")
})

/** The formatter orders the names of an import; what they are is what counts. */
function withSortedImports(code: string | undefined): string | undefined {
  return code?.replace(
    /^import \{ (.*) \}/gm,
    (_, names: string) => `import { ${names.split(', ').sort().join(', ')} }`,
  )
}

test('the program in the README is the sessions example', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, tenLines] = /## Ten lines\n\n```js\n(.*?)```/s.exec(readme) ?? []
  const example = readFileSync(join(ROOT, 'examples/sessions/sessions.mjs'), 'utf8')
  assert.equal(withSortedImports(tenLines), withSortedImports(example))
})

test('four threads count the words of all installed READMEs and licences as one thread does', async () => {
  const output = await outputOf('word-count/word-count.mjs', '--threads', '4')
  const [, files, words] = /^(\d+) files, 4 threads\n(\d+) words, \d+ different\n/.exec(output) ?? []
  assert.ok(Number(files) >= 50, output)
  assert.ok(Number(words) >= 50_000, output)
  assert.match(output, /^ +\d+ the$/m)
  assert.match(output, /^equal to the count of one thread$/m)
})

test('the word count is that of a text counted by hand', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-words-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['one', 'two', 'three']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'README.md'), `Fire, fire! Äpfel & fire-wood ${name}\n`)
  }
  writeFileSync(join(folder, 'other.txt'), 'not counted')
  const output = await outputOf(
    'word-count/word-count.mjs',
    '--folder',
    folder,
    '--threads',
    '2',
    '--top',
    '3',
  )
  const counts = ['       9 fire', '       3 wood', '       3 äpfel']
  const lines = [
    '3 files, 2 threads',
    '18 words, 6 different',
    ...counts,
    'equal to the count of one thread',
    '',
  ]
  assert.equal(output, lines.join('\n'))
})

test('the server of the README keeps what its client has stored, and runs a second time on it', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, program] = /## A server in your program\n.*?```js\n(.*?)```/s.exec(readme) ?? []
  const path = join(ROOT, 'examples/server/server.mjs')
  assert.equal(withSortedImports(program), withSortedImports(readFileSync(path, 'utf8')))
  const cwd = mkdtempSync(join(tmpdir(), 'hearth-shop-'))
  const env = { ...process.env, HEARTH_SHM_DIR: cwd }
  try {
    for (let turn = 0; turn < 2; turn++) {
      const { stdout } = await run(process.execPath, [path], { cwd, env, timeout: 60_000 })
      assert.equal(stdout, 'paid paid\n')
    }
  } finally {
    rmSync(cwd, { recursive: true })
  }
})

test('the program of several processes in the README adds to what the one before has left', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, program] = /## Every process\n\n```js\n(.*?)```/s.exec(readme) ?? []
  const path = join(ROOT, 'examples/processes/processes.mjs')
  assert.equal(withSortedImports(program), withSortedImports(readFileSync(path, 'utf8')))
  const directory = mkdtempSync(join(tmpdir(), 'hearth-processes-'))
  const env = { ...process.env, HEARTH_SHM_DIR: directory }
  try {
    for (const visits of [1, 2]) {
      const { stdout } = await run(process.execPath, [path], { env, timeout: 60_000 })
      assert.equal(stdout, `{ user: 'ada', visits: ${visits} }\n`)
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('the program of original 002 in the documents answers what they say, and ends', {
  skip: NO_NAMED_TABLES,
}, async () => {
  const text = readFileSync(join(ROOT, 'docs/ORIGINALS.md'), 'utf8')
  const [, program] = /## 002: kvs\n\n```js\n(.*?)```/s.exec(text) ?? []
  const path = join(ROOT, 'examples/kvs/tour.mjs')
  assert.equal(withSortedImports(program), withSortedImports(readFileSync(path, 'utf8')))
  const directory = mkdtempSync(join(tmpdir(), 'hearth-tour-'))
  try {
    const env = { ...process.env, HEARTH_SHM_DIR: directory }
    const { stdout } = await run(process.execPath, [path], { env, timeout: 60_000 })
    assert.equal(stdout, '100\nfalse\n100\n')
  } finally {
    rmSync(directory, { recursive: true })
  }
})
