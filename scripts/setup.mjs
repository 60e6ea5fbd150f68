/**
 * Makes a checkout ready to run: installs what package-lock.json names and compiles `src` to `dist`, each only
 * when needed. Needs Node and npm, nothing else: no compiler, no root, no install script of any package; asks
 * nothing. `npm start`, `npm test` and `npm run ok` begin here; `npm run build` is this and no more.
 *
 * Whether something is needed is judged by content, never by file times, which a fresh clone does not keep:
 * installed is what `node_modules/.package-lock.json` lists (npm writes it last, so a broken-off install has
 * none); built is what the stamp in `dist`, a hash over every source, was written for, and the stamp is written
 * only after a compile without errors. Two set-ups at once take turns by a lock file that names its owner.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const LEAST_NODE = [20, 19]
const LOCK_PATH = join(ROOT, '.setup-lock')
const LOCK_POLL_MS = 200

/** A failure that its message explains; the caller prints it without a stack. */
export class SetupError extends Error {
  name = 'SetupError'
}

/**
 * Every file below `folder` (a path relative to `root`) whose name ends in `suffix`, sorted, with `/` between.
 * @param {string} folder
 * @param {string} suffix
 * @param {string} [root]
 * @returns {string[]}
 */
export function filesBelow(folder, suffix, root = ROOT) {
  const absolute = join(root, folder)
  if (!existsSync(absolute)) return []
  return readdirSync(absolute, { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return filesBelow(path, suffix, root)
      return entry.name.endsWith(suffix) ? [path] : []
    })
    .sort()
}

/**
 * Whether `installed` (npm's own list of what lies in node_modules) is what `lock` asks for: nothing in another
 * version, nothing missing but optional packages, most of which are for other platforms.
 * @param {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean }> }} lock
 * @param {{ packages: Record<string, { version?: string, integrity?: string }> }} installed
 * @returns {boolean}
 */
export function installMatches(lock, installed) {
  for (const [path, entry] of Object.entries(installed.packages)) {
    const wanted = lock.packages[path]
    if (wanted === undefined || wanted.version !== entry.version) return false
    if (wanted.integrity !== undefined && wanted.integrity !== entry.integrity) return false
  }
  return Object.entries(lock.packages).every(
    ([path, entry]) => path === '' || entry.optional === true || installed.packages[path] !== undefined,
  )
}

/** @returns {boolean} */
function isInstalled() {
  const listPath = join(ROOT, 'node_modules/.package-lock.json')
  if (!existsSync(listPath)) return false
  const installed = JSON.parse(readFileSync(listPath, 'utf8'))
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return (
    installMatches(lock, installed) &&
    Object.keys(installed.packages).every((path) => existsSync(join(ROOT, path, 'package.json')))
  )
}

/**
 * Runs a program with our input and output; returns its exit code, 1 if a signal ended it.
 * @param {string} program
 * @param {string[]} args
 * @returns {number}
 */
export function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' })
  if (error !== undefined) throw new SetupError(`cannot run ${program}: ${error.message}`)
  return status ?? 1
}

/** Runs npm: the one that started us, if one did. @param {string[]} args @returns {number} */
function runNpm(args) {
  const npmPath = process.env.npm_execpath
  return npmPath?.endsWith('.js') ? run(process.execPath, [npmPath, ...args]) : run('npm', args)
}

/**
 * Starts a program of a development dependency by the file its package.json names.
 * @param {string} packageName
 * @param {string} binName
 * @param {string[]} args
 * @returns {number}
 */
export function runBin(packageName, binName, args) {
  const folder = join(ROOT, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return run(process.execPath, [join(folder, typeof bin === 'string' ? bin : bin[binName]), ...args])
}

/** Installs from the lock file unless node_modules already is what it says. */
function installIfNeeded() {
  if (isInstalled()) return
  console.error('setup: installing dependencies from package-lock.json')
  // NODE_ENV=production would leave out the compiler, and some packages bring their binary as an optional one.
  const code = runNpm(['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--loglevel=error'])
  if (code !== 0) throw new SetupError('npm ci failed: its message is above')
}

/** A hash over everything the compiler's output depends on. @param {string[]} sources @returns {string} */
function hashOf(sources) {
  const hash = createHash('sha256')
  for (const path of [...sources, 'tsconfig.json', 'package-lock.json']) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** What the stamp says: the sources, and the compiler's own notes, which change when somebody else compiles. */
function stampOf(/** @type {string} */ sourceHash) {
  const notesPath = join(ROOT, 'dist/.tsbuildinfo')
  const notes = existsSync(notesPath) ? readFileSync(notesPath) : ''
  return `${sourceHash} ${createHash('sha256').update(notes).digest('hex')}`
}

/** @param {string} source a path below src @returns {string} what the compiler makes of it */
export function outputOf(source) {
  return source.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js')
}

/** Deletes what the compiler once made of sources that are gone: a stale test must not run, nor be published. */
function removeOrphans() {
  for (const path of filesBelow('dist', '')) {
    const stem = /^dist\/(.+?)\.(?:js|js\.map|d\.ts)$/.exec(path)?.[1]
    if (stem !== undefined && !existsSync(join(ROOT, 'src', `${stem}.ts`))) rmSync(join(ROOT, path))
  }
}

/** Compiles unless `dist` was made from exactly these sources. */
function buildIfNeeded() {
  const sources = filesBelow('src', '.ts').filter((path) => !path.endsWith('.d.ts'))
  const stampPath = join(ROOT, 'dist/.built-from')
  const sourceHash = hashOf(sources)
  const isComplete = sources.every((source) => existsSync(join(ROOT, outputOf(source))))
  if (isComplete && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stampOf(sourceHash)) return

  console.error('setup: compiling src to dist')
  rmSync(stampPath, { force: true })
  // An incremental compile does not write again what it believes to be there.
  if (!isComplete) rmSync(join(ROOT, 'dist/.tsbuildinfo'), { force: true })
  if (runBin('typescript', 'tsc', ['-p', 'tsconfig.json']) !== 0)
    throw new SetupError('the compiler found errors')
  removeOrphans()
  mkdirSync(join(ROOT, 'dist'), { recursive: true })
  writeFileSync(stampPath, stampOf(sourceHash))
}

/** @param {number} pid @returns {boolean} */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** @returns {boolean} whether this process now holds the lock file */
function tryLock() {
  try {
    writeFileSync(LOCK_PATH, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new SetupError(`cannot write to ${ROOT}: ${error.message}`)
  }
}

/** Runs `work` while no other set-up of this checkout runs. @param {() => void} work */
function exclusively(work) {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  let hasSaidSo = false
  while (!tryLock()) {
    const owner = existsSync(LOCK_PATH) ? Number(readFileSync(LOCK_PATH, 'utf8')) : 0
    if (owner > 0 && !isAlive(owner)) {
      rmSync(LOCK_PATH, { force: true })
      continue
    }
    if (!hasSaidSo)
      console.error(`setup: waiting for process ${owner} (if it is no set-up: delete .setup-lock)`)
    hasSaidSo = true
    Atomics.wait(pause, 0, 0, LOCK_POLL_MS)
  }
  try {
    work()
  } finally {
    rmSync(LOCK_PATH, { force: true })
  }
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return
  throw new SetupError(`Hearth needs Node ${LEAST_NODE.join('.')} or later; this is ${process.versions.node}`)
}

/** Installs if needed. Throws {@link SetupError}. */
export function ensureInstalled() {
  requireNode()
  if (!isInstalled()) exclusively(installIfNeeded)
}

/** Installs and compiles if needed. Throws {@link SetupError}. */
export function ensureReady() {
  ensureInstalled()
  exclusively(buildIfNeeded)
}

/** Runs the body of a script: a {@link SetupError} becomes one line and exit code 1. @param {() => unknown} body */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(ensureReady)
