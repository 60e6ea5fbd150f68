import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from './exit.js'

const MAIN_PATH = fileURLToPath(new URL('./main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'hearth-workload-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function workload(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN_PATH, 'workload', ...argv], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

test('the two files have the names that the client looks for, and a line a request', async () => {
  const { code, stdout } = await workload('-n', '1000', '-s', '1.5', '-r', '0.3')
  assert.equal(code, EXIT.done)
  assert.equal(stdout, 'workload.txt: 300 puts and 700 gets; solution.txt: what the gets must return\n')
  assert.equal(read('workload.txt').match(/^put \d+ \d+\n/gm)?.length, 300)
  assert.equal(read('workload.txt').match(/^get \d+\n/gm)?.length, 700)
  assert.equal(read('solution.txt').match(/^\d+\n/gm)?.length, 700)
})

test('one seed writes the same files again, under the names that it is told', async () => {
  const argv = ['-n', '50', '--seed', '9', '--json']
  await workload(...argv, '-o', 'a.txt', '-e', 'a-answers.txt')
  const { stdout } = await workload(...argv, '-o', 'b.txt', '-e', 'b-answers.txt')
  assert.deepEqual(JSON.parse(stdout), {
    workload: 'b.txt',
    solution: 'b-answers.txt',
    puts: 25,
    gets: 25,
    seed: 9,
  })
  assert.equal(read('a.txt'), read('b.txt'))
  assert.equal(read('a-answers.txt'), read('b-answers.txt'))
})

test('what cannot be is wrong use, and says what', async () => {
  for (const [argv, reason] of [
    [['-n', '-1'], /requests/],
    [['-n', 'many'], /requests/],
    [['-s', 'x'], /skew/],
    [['-r', '1.5'], /ratio/],
    [['--seed', '1e99'], /seed/],
    [['-o', 'solution.txt'], /two files/],
    [['-o', 'nowhere/workload.txt'], /nowhere\/workload\.txt/],
    [['extra'], /too many arguments/],
  ] as const) {
    const { code, stderr } = await workload(...argv)
    assert.equal(code, EXIT.wrongUse, argv.join(' '))
    assert.match(stderr, reason)
  }
})
