/**
 * `npm test [-- FILTER... | --FLAG...]`: makes the checkout ready and runs every test: the compiled
 * `*.test.ts` below src, and the tests of these scripts. A FILTER keeps the test files whose path contains it;
 * a --FLAG goes to `node --test`. Tests are found by their sources, so that a stale output can't run.
 *
 * Named tables of the tests live in a folder of this run in /dev/shm. What is left in it at the end is a failure: tests
 * that leave tables behind would fill everybody's memory, and a library that does so is wrong.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { ensureReady, filesBelow, main, outputOf, run, SetupError } from './setup.mjs'

/** Test files that run at once. Many tests start threads of their own. */
const CONCURRENCY = 2
/** No test may take longer: a hang becomes a failure with a name. */
const TIMEOUT_MS = 300_000

const SHARED_MEMORY = '/dev/shm'

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
  return leavingNothing(() => run(process.execPath, ['--test', ...options, ...flags, ...files]))
}

/**
 * Runs `work` with a folder of its own for named tables; 1 instead of 0 if something is left there.
 * @param {() => number} work
 */
function leavingNothing(work) {
  if (!existsSync(SHARED_MEMORY)) return work()
  // A short name: paths of sockets are short.
  const folder = mkdtempSync(`${SHARED_MEMORY}/ht-`)
  // As open as what it stands for: some tests play another user.
  chmodSync(folder, 0o1777)
  process.env.HEARTH_SHM_DIR = folder
  process.env.HEARTH_TEST_SHM = folder
  try {
    const code = work()
    const left = readdirSync(folder, { recursive: true })
    if (left.length === 0) return code
    console.error(`not ok: the tests have left in ${SHARED_MEMORY}: ${left.join(', ')}`)
    return code === 0 ? 1 : code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main(() => {
  ensureReady()
  process.exitCode = runTests(process.argv.slice(2))
})
