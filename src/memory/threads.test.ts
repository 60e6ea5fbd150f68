import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

const THREADS = new URL('./threads.js', import.meta.url).href

/** Opens files until no descriptor is left, and says then whether this thread lives. */
const PROGRAM = `
  import { openSync } from 'node:fs'
  import { currentThread, isThreadAlive } from '${THREADS}'
  const me = currentThread()
  let code
  while (code === undefined) try { openSync('/dev/null') } catch (error) { code = error.code }
  console.log(code, isThreadAlive(me))
`

test('a thread lives while there is no descriptor to ask the system by', {
  skip: existsSync('/proc/self/task') ? false : 'there is no /proc here',
}, () => {
  const run = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, PROGRAM]
  const { stdout, stderr } = spawnSync('sh', run, { encoding: 'utf8' })
  assert.equal(stdout.trim(), 'EMFILE true', stderr)
})
