/** `hearth ls` and `hearth rm` on named tables of a folder of their own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { codecs, SharedMap } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url))

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

describe('named tables on the command line', { skip: NO_NAMED_TABLES }, () => {
  it('are listed, kept while they are open, and taken away', () => {
    useScratchDirectory()
    assert.deepEqual(run('ls'), { code: 0, out: '', err: '' })
    const map = SharedMap.open('sessions', { capacity: '2MiB', values: codecs.int32 })
    map.set('a', 1)
    const { code, out } = run('ls')
    assert.equal(code, 0)
    assert.match(
      out,
      /^NAME +ROLE +STATE +CAPACITY +USED +OPEN IN +CREATED +KEYS +VALUES\nsessions +direct +ready +2MiB /,
    )
    assert.match(out, / 1 thread .* string +int32\n$/)
    const [table] = run('ls', '--json').out.split('\n')
    const { name, capacityBytes } = JSON.parse(table ?? '') as { name: string; capacityBytes: number }
    assert.deepEqual({ name, capacityBytes }, { name: 'sessions', capacityBytes: 2 * 2 ** 20 })

    const refused = run('rm', 'sessions')
    assert.equal(refused.code, 3)
    assert.match(refused.err, /sessions is open in 1 thread; --force takes it away/)
    assert.equal(map.get('a'), 1)
    assert.equal(run('rm', 'sessions', '--force').code, 0)
    assert.throws(() => map.get('a'), /CLOSED/)
    map.close()
    assert.equal(run('rm', 'sessions').code, 1)
    assert.equal(run('rm').code, 2)
    assert.equal(run('ls').out, '')
  })

  it('are shown without a date where they are damaged', () => {
    const folder = useScratchDirectory()
    SharedMap.open('odd', { capacity: '1MiB' }).close()
    const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('odd'))
    writeFileSync(join(folder, file), 'nothing')
    assert.match(run('ls').out, /\nodd +direct +damaged .* 0 threads +-\n$/)
    SharedMap.unlink('odd')
  })
})
