/**
 * `npm test [-- FILTER... | --FLAG...]`: makes the checkout ready and runs every test: the compiled
 * `*.test.ts` below src, and the tests of these scripts. A FILTER keeps the test files whose path contains it;
 * a --FLAG goes to `node --test`. Tests are found by their sources, so that a stale output can't run.
 */
import { ensureReady, filesBelow, main, outputOf, run, SetupError } from './setup.mjs'

/** Test files that run at once. Many tests start threads of their own. */
const CONCURRENCY = 2
/** No test may take longer: a hang becomes a failure with a name. */
const TIMEOUT_MS = 300_000

/** @returns {string[]} every test file, relative to the root */
function testFiles() {
  return [...filesBelow('scripts', '.test.mjs'), ...filesBelow('src', '.test.ts').map(outputOf)]
}

/**
 * Runs the tests; returns the exit code.
 * @param {string[]} args filters and flags
 */
export function runTests(args) {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const filters = args.filter((arg) => !arg.startsWith('-'))
  const files = testFiles().filter(
    (path) => filters.length === 0 || filters.some((part) => path.includes(part)),
  )
  if (files.length === 0) throw new SetupError(`no test file has ${filters.join(' or ')} in its path`)
  const options = [
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TIMEOUT_MS}`,
    '--test-reporter=spec',
  ]
  return run(process.execPath, ['--test', ...options, ...flags, ...files])
}

await main(() => {
  ensureReady()
  process.exitCode = runTests(process.argv.slice(2))
})
