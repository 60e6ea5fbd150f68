import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { checkDecisions, checkRepository, checkSource, checkText, MAY_IMPORT } from './tidy.mjs'

const DEPENDENCIES = new Set(['msgpackr', 'commander'])

/** The rules that one file breaks, in the order of its lines. */
function rules(path, text) {
  return checkSource(path, text, DEPENDENCIES).map(({ rule }) => rule)
}

describe('the floors', () => {
  const cases = [
    ['src/table/find.ts', '../memory/region.js', true],
    ['src/table/find.ts', './stripe.js', true],
    ['src/table/find.ts', '../log/frame.js', false],
    ['src/memory/region.ts', '../codec/string.js', false],
    ['src/memory/region.ts', '../table/find.js', false],
    ['src/map/shared-map.ts', '../table/find.js', true],
    ['src/map/shared-map.ts', '../store/store.js', false],
    ['src/map/shared-map.ts', '../log/frame.js', false],
    ['src/store/direct-store.ts', '../table/find.js', true],
    ['src/commands/strings.ts', '../store/store.js', true],
    ['src/commands/strings.ts', '../resp/writer.js', false],
    ['src/resp/writer.ts', '../commands/reply.js', true],
    ['src/client/client.ts', '../server/server.js', false],
    ['src/cli/main.ts', '../server/server.js', true],
    ['src/cli/bench.ts', '../bench/table.js', true],
    ['src/bench/table.ts', '../map/shared-map.js', true],
    ['src/bench/table.ts', '../table/find.js', false],
    ['src/index.ts', './map/shared-map.js', true],
    ['src/index.ts', './table/find.js', false],
    ['src/table/find.ts', '../test/history.js', false],
    ['src/table/find.test.ts', '../test/history.js', true],
    ['src/table/find.test.ts', '../map/shared-map.js', false],
    ['src/test/end-to-end.test.ts', '../cli/main.js', true],
    ['src/unheard/of.ts', '../base/assert.js', false],
  ]
  for (const [path, specifier, isAllowed] of cases) {
    test(`${path} ${isAllowed ? 'may' : 'may not'} import ${specifier}`, () => {
      const expected = isAllowed ? [] : ['floors']
      assert.deepEqual(rules(path, `import { thing } from '${specifier}'\n`), expected)
      assert.deepEqual(rules(path, `import type { Thing } from '${specifier}'\n`), expected)
      assert.deepEqual(rules(path, `export { thing } from '${specifier}'\n`), expected)
      assert.deepEqual(rules(path, `const { thing } = await import('${specifier}')\n`), expected)
      assert.deepEqual(rules(path, `const worker = new URL('${specifier}', import.meta.url)\n`), expected)
    })
  }

  test('an import over several lines is seen, one in a comment is not', () => {
    assert.deepEqual(rules('src/base/hash.ts', "import {\n  thing,\n} from '../table/find.js'\n"), ['floors'])
    assert.deepEqual(rules('src/base/hash.ts', "/**\n * import { thing } from '../table/find.js'\n */\n"), [])
  })

  test('no folder is above itself', () => {
    for (const [folder, below] of Object.entries(MAY_IMPORT)) {
      assert.ok(!below.includes(folder), folder)
      for (const lower of below) assert.ok(!MAY_IMPORT[lower].includes(folder), `${lower} and ${folder}`)
    }
  })
})

test('what users do not install may not be imported, except by tests and benchmarks', () => {
  const text = "import { open } from 'lmdb'\n"
  assert.deepEqual(rules('src/map/shared-map.ts', text), ['dependencies'])
  assert.deepEqual(rules('src/bench/table.ts', text), [])
  assert.deepEqual(rules('src/map/shared-map.test.ts', text), [])
  assert.deepEqual(rules('src/codec/msgpack.ts', "import { Packr } from 'msgpackr'\n"), [])
})

test('a built-in module needs its prefix', () => {
  assert.deepEqual(rules('src/base/clock.ts', "import { hrtime } from 'process'\n"), ['node-prefix'])
  assert.deepEqual(rules('src/base/clock.ts', "import { hrtime } from 'node:process'\n"), [])
})

test('words that must not stay are found', () => {
  const lines = [
    '// FIXME later',
    '// TODO',
    "test.only('x', () => {})",
    "describe.only('x', () => {})",
    "it.only('x', () => {})",
    'enum State {',
    'export const enum State {',
    'namespace Inner {',
    '// @ts-ignore',
    'export default class {}',
    'export { thing as default }',
  ]
  for (const line of lines) assert.deepEqual(rules('src/base/clock.ts', `${line}\n`), ['forbidden'], line)
  assert.deepEqual(rules('src/base/clock.ts', "const name = 'a namespace for an enum of defaults'\n"), [])
})

test('file names are kebab-case and say what is inside', () => {
  for (const path of [
    'src/base/fileName.ts',
    'src/base/File.ts',
    'src/base/utils.ts',
    'src/common/clock.ts',
  ]) {
    assert.deepEqual(rules(path, ''), ['file-name'], path)
  }
  assert.deepEqual(rules('src/base/stop-watch.test.ts', ''), [])
})

test('a long file is a warning, a very long one an error, a long test neither', () => {
  const ofLength = (count) => 'x\n'.repeat(count)
  assert.deepEqual(rules('src/base/clock.ts', ofLength(300)), [])
  assert.equal(checkSource('src/base/clock.ts', ofLength(301))[0]?.isWarning, true)
  assert.equal(checkSource('src/base/clock.ts', ofLength(401))[0]?.isWarning, false)
  assert.deepEqual(rules('src/base/clock.test.ts', ofLength(401)), [])
})

test('a path of the machine it was written on is found with its line', () => {
  const findings = checkText('docs/A.md', 'fine: framework/root and ./work/x\nbad: see /work/main/src\n')
  assert.deepEqual(
    findings.map(({ line, rule }) => [line, rule]),
    [[2, 'machine-path']],
  )
  assert.equal(checkText('docs/A.md', 'bad: `/root/.npmrc`').length, 1)
})

test('a decision whose number is taken, or is not that of its title, is found', () => {
  const records = [
    { path: 'docs/decisions/0001-one.md', text: '# 1. One\n' },
    { path: 'docs/decisions/0002-two.md', text: '# 1. Two\n' },
    { path: 'docs/decisions/0002-too.md', text: '# 2. Too\n' },
    { path: 'docs/decisions/three.md', text: '# 3. Three\n' },
  ]
  const found = checkDecisions(records).map(({ path, rule }) => [path.slice(15), rule])
  const wrong = ['0002-two.md', '0002-too.md', 'three.md']
  assert.deepEqual(
    found,
    wrong.map((name) => [name, 'decisions']),
  )
})

test('a repository is read whole: its sources, its documents, not what git ignores', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'hearth-tidy-'))
  t.after(() => rmSync(root, { recursive: true }))
  const files = {
    'package.json': '{}',
    'README.md': 'see /root/notes\n',
    'src/base/clock.ts': "import '../table/find.js'\n",
    'src/deep/er/Name.ts': '',
    'dist/base/clock.js': '// TODO\n',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const found = checkRepository(root).map(({ path, rule }) => `${path} ${rule}`)
  assert.deepEqual(found, [
    'src/base/clock.ts floors',
    'src/deep/er/Name.ts file-name',
    'README.md machine-path',
  ])
})
