import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EXIT } from './exit.js'

const MAIN_PATH = fileURLToPath(new URL('./main.js', import.meta.url))

test('a section or a number of processes that cannot be is wrong use', () => {
  for (const argv of [
    ['--only', 'speed'],
    ['--processes', '1'],
  ]) {
    const ended = spawnSync(process.execPath, [MAIN_PATH, 'bench', 'processes', ...argv], {
      encoding: 'utf8',
    })
    assert.equal(ended.status, EXIT.wrongUse, argv.join(' '))
    assert.match(ended.stderr, new RegExp(argv[0] ?? ''))
  }
})
