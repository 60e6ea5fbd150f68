/**
 * The code's own rules that neither the compiler nor the linter knows: which folder may import which, which
 * package may be used where, file names and lengths, words that must not stay, the numbers of decisions. `npm run ok` runs
 * it over the repository; `tidy.test.mjs` shows that each rule can fail. A change of MAY_IMPORT is a commit of its own.
 *
 * It reads text, not syntax: imports and declarations are found line by line in what is left without block
 * comments, which is enough for code that the formatter has written.
 */
import { existsSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesBelow, ROOT } from './setup.mjs'

/** @typedef {{ path: string, line: number, rule: string, text: string, isWarning?: boolean }} Finding */

/**
 * The floors: what a folder of src may import besides itself. Each row names the floors below it; folders on one
 * floor do not know each other.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const MAY_IMPORT = floors([
  ['base'],
  ['memory', 'codec'],
  ['table', 'log'],
  ['store', 'map', 'imkv'],
  ['pair', 'cluster'],
  ['commands'],
  ['resp', 'text', 'http', 'channel'],
  ['client'],
  ['server'],
  ['workload', 'kvs'],
  ['cli'],
])

/** What the public entry files (src/*.ts) may show the world. */
const ENTRY = 'entry'
const ENTRY_MAY_IMPORT = ['map', 'server', 'client', 'codec', 'base', 'store']

/** Folders outside the floors. Only the command line may reach for bench; nothing but a test for test. */
const BESIDE = { bench: [...ENTRY_MAY_IMPORT, ENTRY, 'workload', 'log'], test: 'everything' }

/** Narrower than the floors say. A map is direct, and so is imkv: they know the table, never the log. */
const DIRECT = ['table', 'memory', 'codec', 'base']
/** Both are users of a node, as a program of somebody else would be. */
const OF_USERS = ['client', 'codec', 'base']
const EXCEPTIONS = { map: DIRECT, imkv: DIRECT, workload: OF_USERS, kvs: ['server', ...OF_USERS] }

const WARN_LINES = 300
const MOST_LINES = 400

const FORBIDDEN = [
  [/\b(FIXME|TODO)\b/, 'finish it or file it'],
  [/\b(test|it|describe|suite)\.only\b/, 'other tests would not run'],
  [/@ts-(ignore|nocheck)\b/, 'say it in types'],
  [/^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/, 'use a const object'],
  [/^\s*(?:export\s+)?(?:declare\s+)?namespace\s+\w/, 'use a module'],
  [/^\s*export\s+default\b|\bas\s+default\s*[,}]/, 'use a named export'],
]
const MACHINE_PATH = /(?<![\w.~-])\/(?:work|root)\//
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/
const DRAWERS = new Set(['utils', 'util', 'common', 'types', 'misc'])
const IMPORT = /(?:\bfrom|\bimport|\bimport\s*\(|\bnew URL\()\s*'([^']+)'/g
const BUILTIN = new Set(builtinModules.filter((name) => !name.startsWith('_')))

/** @param {string[][]} rows floors, the lowest first */
function floors(rows) {
  return Object.fromEntries(
    rows.flatMap((row, floor) => row.map((name) => [name, rows.slice(0, floor).flat()])),
  )
}

/** @param {string} path @returns {string} the folder below src that a path belongs to, `entry` for src itself */
function folderOf(path) {
  const parts = path.split('/')
  return parts.length > 2 ? String(parts[1]) : ENTRY
}

/** @param {string} path */
const isTest = (path) => /\.test\.m?ts$|\.test\.mjs$/.test(path) || path.startsWith('src/test/')

/**
 * Whether a file of one folder may import from another.
 * @param {string} path the importing file
 * @param {string} target the folder imported from
 */
function mayImport(path, target) {
  const folder = folderOf(path)
  if (folder === target || BESIDE[folder] === 'everything') return true
  if (isTest(path) && target === 'test') return true
  if (folder === 'cli' && (target === 'bench' || target === ENTRY)) return true
  if (folder === ENTRY) return ENTRY_MAY_IMPORT.includes(target)
  return (BESIDE[folder] ?? EXCEPTIONS[folder] ?? MAY_IMPORT[folder] ?? []).includes(target)
}

/**
 * What is wrong with one import, if anything.
 * @param {string} path
 * @param {string} specifier
 * @param {ReadonlySet<string>} dependencies packages that users of this package have
 * @returns {{ rule: string, text: string } | undefined}
 */
function importFault(path, specifier, dependencies) {
  if (BUILTIN.has(specifier)) return { rule: 'node-prefix', text: `write 'node:${specifier}'` }
  if (specifier.startsWith('node:') || specifier.includes('${')) return undefined
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier)
    if (!target.startsWith('src/')) return undefined
    const folder = folderOf(target)
    if (mayImport(path, folder)) return undefined
    return { rule: 'floors', text: `${folderOf(path)} may not import ${folder} (${specifier})` }
  }
  if (isTest(path) || folderOf(path) === 'bench') return undefined
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  if (dependencies.has(name)) return undefined
  return { rule: 'dependencies', text: `${name} is no dependency of the published package` }
}

/** Blanks block comments, keeping the lines. @param {string} text */
const withoutComments = (text) =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))

/**
 * Everything that breaks a rule in one source file.
 * @param {string} path relative to the root
 * @param {string} text
 * @param {ReadonlySet<string>} dependencies
 * @returns {Finding[]}
 */
export function checkSource(path, text, dependencies = new Set()) {
  const lines = text.split('\n')
  const code = withoutComments(text).split('\n')
  /** @type {Finding[]} */
  const findings = [...checkName(path), ...checkLength(path, text), ...checkText(path, text)]
  lines.forEach((line, index) => {
    for (const [pattern, text] of FORBIDDEN) {
      if (pattern.test(line))
        findings.push({ path, line: index + 1, rule: 'forbidden', text: `${line.trim()}: ${text}` })
    }
    if (!path.startsWith('src/')) return
    for (const [, specifier = ''] of (code[index] ?? '').matchAll(IMPORT)) {
      const fault = importFault(path, specifier, dependencies)
      if (fault !== undefined) findings.push({ path, line: index + 1, ...fault })
    }
  })
  return findings
}

/** @param {string} path @returns {Finding[]} */
function checkName(path) {
  const names = path.split('/').slice(1)
  const wrong = names.find((name) => !FILE_NAME.test(name) || DRAWERS.has(String(name.split('.')[0])))
  if (wrong === undefined) return []
  const text = FILE_NAME.test(wrong) ? 'name it after what it is' : 'write it in kebab-case'
  return [{ path, line: 1, rule: 'file-name', text: `${wrong}: ${text}` }]
}

/** @param {string} path @param {string} text @returns {Finding[]} */
function checkLength(path, text) {
  const count = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  if (isTest(path) || count <= WARN_LINES) return []
  const isWarning = count <= MOST_LINES
  return [
    {
      path,
      line: count,
      rule: 'length',
      text: `${count} lines; ${isWarning ? WARN_LINES : MOST_LINES} are enough`,
      isWarning,
    },
  ]
}

/**
 * What no text of the repository may say: a path of the machine it was written on.
 * @param {string} path
 * @param {string} text
 * @returns {Finding[]}
 */
export function checkText(path, text) {
  return text
    .split('\n')
    .flatMap((line, index) =>
      MACHINE_PATH.test(line) ? [{ path, line: index + 1, rule: 'machine-path', text: line.trim() }] : [],
    )
}

/**
 * Decisions are found by their number: no two have the same one, and the title says it, too.
 * @param {readonly { path: string, text: string }[]} records
 * @returns {Finding[]}
 */
export function checkDecisions(records) {
  /** @type {Set<number>} */
  const taken = new Set()
  return records.flatMap(({ path, text }) => {
    const number = Number(/^(\d{4})-/.exec(basename(path))?.[1])
    const isTaken = taken.has(number)
    taken.add(number)
    if (isTaken) return [{ path, line: 1, rule: 'decisions', text: `${number} is another decision's number` }]
    if (text.startsWith(`# ${number}. `)) return []
    return [{ path, line: 1, rule: 'decisions', text: 'the file name and the title begin with its number' }]
  })
}

/** Every finding of the repository at `root`. @param {string} [root] @returns {Finding[]} */
export function checkRepository(root = ROOT) {
  const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')
  const dependencies = new Set(Object.keys(JSON.parse(read('package.json')).dependencies ?? {}))
  const sources = ['src', 'examples', 'scripts']
    .flatMap((folder) => filesBelow(folder, '', root).filter((path) => /\.(m?ts|m?js)$/.test(path)))
    // These two name what they forbid.
    .filter((path) => !basename(path).startsWith('tidy.'))
  const decisions = filesBelow('docs/decisions', '.md', root)
    .filter((path) => basename(path) !== 'README.md')
    .map((path) => ({ path, text: read(path) }))
  const texts = [...filesBelow('docs', '.md', root), 'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  return [
    ...sources.flatMap((path) => checkSource(path, read(path), dependencies)),
    ...texts.filter((path) => existsSync(join(root, path))).flatMap((path) => checkText(path, read(path))),
    ...checkDecisions(decisions),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const findings = checkRepository()
  for (const { path, line, rule, text, isWarning } of findings) {
    console.error(`${path}:${line} ${isWarning === true ? 'warning: ' : ''}${rule}: ${text}`)
  }
  if (findings.some(({ isWarning }) => isWarning !== true)) process.exitCode = 1
}
