import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { SharedMap } from '../index.js'
import { NO_NAMED_TABLES, useScratchDirectory } from './named-scratch.js'

it('reads of many keys look at no memory that the system has not given yet', {
  skip: NO_NAMED_TABLES,
}, () => {
  // A look there takes memory; where there is no more of it, it ends the process.
  const folder = useScratchDirectory()
  const map = SharedMap.open('touched', { capacity: '16MiB' })
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('touched'))
  const blocks = () => statSync(join(folder, file)).blocks
  const keys: string[] = []
  for (let i = 0; i < 10_000; i++) {
    map.set(`k${i}`, 'a value')
    keys.push(`k${i}`)
    if (i % 97 !== 0) continue
    const before = blocks()
    map.getMany(keys.slice(-97))
    assert.equal(blocks(), before, `after ${i} keys`)
  }
  map.close()
  SharedMap.unlink('touched')
})
