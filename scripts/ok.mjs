/**
 * `npm run ok [-- --no-tests]`: everything a change must pass, cheapest first: format and lint, types, tidy,
 * tests. Writes nothing but `dist`. The first failure ends it with one line that says which check it was.
 */
import { ensureInstalled, ensureReady, main, run, runBin, SetupError } from './setup.mjs'

const KNOWN_FLAGS = ['--no-tests']

/** @type {ReadonlyArray<readonly [name: string, remedy: string, check: () => number]>} */
const CHECKS = [
  [
    'format and lint',
    'npm run format repairs most of it',
    () => runBin('@biomejs/biome', 'biome', ['check', '--error-on-warnings']),
  ],
  // The stamp of a build vouches for the types: it is written only after a compile without errors.
  ['types', 'see the errors above', compile],
  ['tidy', 'CONTRIBUTING.md has the rules', () => run(process.execPath, ['scripts/tidy.mjs'])],
  [
    'tests',
    'npm test -- PART-OF-A-PATH runs some of them',
    () => run(process.execPath, ['scripts/test.mjs']),
  ],
]

function compile() {
  try {
    ensureReady()
    return 0
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    return 1
  }
}

await main(() => {
  const flags = process.argv.slice(2)
  const unknown = flags.find((flag) => !KNOWN_FLAGS.includes(flag))
  if (unknown !== undefined)
    throw new SetupError(`unknown option ${unknown}; known: ${KNOWN_FLAGS.join(' ')}`)
  ensureInstalled()
  for (const [name, remedy, check] of CHECKS) {
    if (name === 'tests' && flags.includes('--no-tests')) continue
    console.log(`ok: ${name}`)
    if (check() === 0) continue
    console.error(`not ok: ${name} (${remedy})`)
    process.exitCode = 1
    return
  }
  console.log(flags.length === 0 ? 'ok: everything' : 'ok: everything but the tests')
})
