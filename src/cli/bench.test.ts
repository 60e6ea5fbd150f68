import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { FiguresReport } from '../bench/figures.js'
import { EXIT } from './exit.js'

const MAIN_PATH = fileURLToPath(new URL('./main.js', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `hearth bench table` in `folder`. */
function benchTable(folder: string, ...argv: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN_PATH, 'bench', 'table', ...argv],
      { cwd: folder },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

test('a small run prints JSON on stdout, progress on stderr and pictures where it is told', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const argv = ['--only', 'memory', '--keys', '200', '--rounds', '1', '--json', '--svg', 'pictures']
  const { code, stdout, stderr } = await benchTable(folder, ...argv)
  assert.equal(code, EXIT.done, stderr)
  const { figures }: { figures: FiguresReport } = JSON.parse(stdout)
  assert.ok(figures.machine.command.endsWith(argv.join(' ')))
  assert.ok(figures.figures.length > 0)
  assert.ok(figures.figures.every(({ section, measured }) => section === 'memory' && (measured ?? 0) > 1))
  assert.match(stderr, /^\[1\/2\] memory/m)
  assert.deepEqual(readdirSync(join(folder, 'pictures')), ['bench-figures.svg'])
  assert.match(readFileSync(join(folder, 'pictures/bench-figures.svg'), 'utf8'), /^<svg .*<\/svg>\n$/s)
})

test('rows are printed for people, and a small run leaves the recorded pictures alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { code, stdout } = await benchTable(folder, '--only', 'memory', '--keys', '200', '--rounds', '1')
  assert.equal(code, EXIT.done)
  assert.match(stdout, /asked\s+measured/)
  assert.match(stdout, /^memory: .*\n.*bytes by live byte, full\s+<= 1\.45x/m)
  assert.deepEqual(readdirSync(folder), [])
})

test('a section, a sweep or a size that there is not is wrong use', async () => {
  for (const argv of [
    ['--only', 'speed'],
    ['--sweep', 'colours'],
    ['--contenders', 'perl'],
    ['--threads', '0'],
    ['--payload', '5GiB'],
  ]) {
    const { code, stderr } = await benchTable(tmpdir(), ...argv)
    assert.equal(code, EXIT.wrongUse, argv.join(' '))
    assert.match(stderr, new RegExp(argv[0] ?? ''))
  }
})
