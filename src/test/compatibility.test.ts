/** docs/COMPATIBILITY.md is written by a script that needs a redis-server; that it is up to date is seen without one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { allCommands } from '../commands/command-table.js'

it('the page on compatibility names every command of the table as there, and no other', () => {
  const page = readFileSync(new URL('../../docs/COMPATIBILITY.md', import.meta.url), 'utf8')
  const named = [...page.matchAll(/^\| ([A-Z]+) \|/gm)].map((match) => match[1]?.toLowerCase())
  assert.deepEqual(
    named.sort(),
    allCommands()
      .map(({ name }) => name)
      .sort(),
    'run node scripts/compatibility.mjs',
  )
})
