/** A program that may not map as much as a table takes: told so with the cure, and nothing is left of the table. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'

const directory = NO_NAMED_TABLES === false ? useScratchDirectory() : ''
/** Enough for Node itself, and less than the table. In KiB, as the shell has it. */
const LIMIT_KIB = 48 * 2 ** 20

test('a table that the system cannot map is FULL', { skip: NO_NAMED_TABLES }, async () => {
  const program = `
    import { SharedMap } from '${new URL('./shared-map.js', import.meta.url)}'
    try { SharedMap.open('large', { capacity: '60GiB' }) } catch (error) { console.log(error.code, error.message) }`
  const limited = `ulimit -v ${LIMIT_KIB} && exec "$0" --input-type=module --eval "$1"`
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, program], {
    env: { ...process.env, HEARTH_SHM_DIR: directory },
  })
  assert.match(stdout, /^FULL FULL: the system cannot map .*\(ulimit -v\)/)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.includes('large') && !name.includes('lock')),
    [],
  )
})
