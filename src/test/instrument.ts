/**
 * Makes a copy of the compiled product in which every access to shared memory goes through a function of
 * `schedule-hooks`: loads and stores of array elements, Atomics, and the bulk copies of byte buffers. The hooks look at
 * the array themselves, so the rewriting needs no types: whatever is indexed may be shared.
 *
 * A rewrite replaces one piece of the compiled text by another, and must find it exactly once: a canary that no longer
 * fits the code is an error, never a test of nothing.
 *
 * The copy lies in a temporary folder and is only ever imported by the workers of a schedule.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AnyNode, parse } from 'acorn'

export interface Rewrite {
  /** Below dist, such as `table/reader.js`. */
  readonly file: string
  /** Text to be found exactly once, white space counting as any white space. */
  readonly find: string
  readonly put: string
}

const DIST = fileURLToPath(new URL('..', import.meta.url))
const HOOKS = new URL('./schedule-hooks.js', import.meta.url).href
const COPIED = ['base', 'codec', 'memory', 'table', 'map']
const INSTRUMENTED = ['memory', 'table', 'map']
/** Methods that pass over many bytes at once. */
const BULK = new Set(['copy', 'latin1Slice', 'fill', 'set'])

/** Writes the copy and returns its folder; the caller removes it. */
export function instrumentedTree(rewrites: readonly Rewrite[]): string {
  const tree = mkdtempSync(join(tmpdir(), 'hearth-schedule-'))
  writeFileSync(join(tree, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(DIST, '..', 'node_modules'), join(tree, 'node_modules'))
  for (const folder of COPIED) {
    cpSync(join(DIST, folder), join(tree, folder), {
      recursive: true,
      filter: (path) => !path.includes('.') || (path.endsWith('.js') && !path.endsWith('.test.js')),
    })
  }
  for (const rewrite of rewrites) applyRewrite(tree, rewrite)
  for (const folder of INSTRUMENTED) {
    for (const name of readdirSync(join(tree, folder))) {
      const path = join(tree, folder, name)
      writeFileSync(path, instrumented(readFileSync(path, 'utf8')))
    }
  }
  return tree
}

export function removeTree(tree: string): void {
  rmSync(tree, { recursive: true, force: true })
}

function applyRewrite(tree: string, { file, find, put }: Rewrite): void {
  const path = join(tree, file)
  const text = readFileSync(path, 'utf8')
  const pattern = find
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('\\s+')
  const places = text.match(new RegExp(pattern, 'g')) ?? []
  assert.equal(places.length, 1, `${file} has the text to be replaced once: ${find}`)
  writeFileSync(
    path,
    text.replace(new RegExp(pattern), () => put),
  )
}

/** By source: one test file makes dozens of copies that differ in a line. */
const MADE = new Map<string, string>()

/** `source` with every access that may be to shared memory turned into a call. */
export function instrumented(source: string): string {
  const made = MADE.get(source) ?? instrument(source)
  MADE.set(source, made)
  return made
}

function instrument(source: string): string {
  const edits: Edit[] = []
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }), undefined, source, edits)
  // Of edits at one place, the outermost node's comes first; those were made first.
  const ordered = edits.map((edit, order) => ({ ...edit, order }))
  ordered.sort((a, b) => a.from - b.from || a.to - b.to || a.order - b.order)
  let text = ''
  let at = 0
  for (const { from, to, put } of ordered) {
    text += source.slice(at, from) + put
    at = to
  }
  return `import * as $hooks from '${HOOKS}'\n${text}${source.slice(at)}`
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly put: string
}

type Member = Extract<AnyNode, { type: 'MemberExpression' }>

function visit(node: AnyNode, parent: AnyNode | undefined, source: string, edits: Edit[]): void {
  rewriteNode(node, parent, source, edits)
  for (const child of childrenOf(node)) visit(child, node, source, edits)
}

function childrenOf(node: AnyNode): AnyNode[] {
  const isNode = (value: unknown): value is AnyNode =>
    typeof value === 'object' && value !== null && 'type' in value
  return Object.values(node).flat().filter(isNode)
}

function rewriteNode(node: AnyNode, parent: AnyNode | undefined, source: string, edits: Edit[]): void {
  if (node.type === 'MemberExpression') {
    if (isElement(node) && !isTarget(node, parent)) {
      open(node.start, 'load', edits)
      index(node, source, edits)
      edits.push({ from: node.end - 1, to: node.end, put: ')' })
    } else if (node.object.type === 'Identifier' && node.object.name === 'Atomics') {
      edits.push({ from: node.object.start, to: node.object.end, put: '$hooks.atomics' })
    }
  } else if (node.type === 'AssignmentExpression' && isElement(node.left)) {
    const operator = node.operator.slice(0, -1)
    open(node.start, operator === '' ? 'store' : 'update', edits)
    index(node.left, source, edits)
    const gap = source.slice(node.left.end - 1, node.right.start)
    const arrow = operator === '' ? '' : ` ($old) => $old ${operator} (`
    edits.push({
      from: node.left.end - 1,
      to: node.right.start,
      put: `,${arrow}${gap.slice(1).replace(node.operator, ' ')}`,
    })
    edits.push({ from: node.end, to: node.end, put: operator === '' ? ')' : '))' })
  } else if (node.type === 'UpdateExpression' && isElement(node.argument)) {
    assert.equal(node.prefix, false, 'prefix operators are not in use')
    open(node.start, 'postfix', edits)
    index(node.argument, source, edits)
    const by = node.operator === '++' ? '1' : '-1'
    edits.push({ from: node.argument.end - 1, to: node.end, put: `, ${by})` })
  } else if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression') {
    const { object, property, computed } = node.callee
    if (computed || property.type !== 'Identifier' || !BULK.has(property.name)) return
    open(node.start, 'bulk', edits)
    const first = node.arguments[0]
    assert.ok(first !== undefined, 'a bulk method has arguments')
    edits.push({ from: object.end, to: first.start, put: `, '${property.name}', ` })
  }
}

function open(at: number, hook: string, edits: Edit[]): void {
  edits.push({ from: at, to: at, put: `$hooks.${hook}(` })
}

/** The bracket before an index becomes a comma. */
function index({ object, property }: Member, source: string, edits: Edit[]): void {
  const gap = source.slice(object.end, property.start)
  edits.push({ from: object.end, to: property.start, put: gap.replace('[', ', ') })
}

function isElement(node: AnyNode): node is Member {
  return node.type === 'MemberExpression' && node.computed && !node.optional
}

function isTarget(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent === undefined) return false
  if (parent.type === 'AssignmentExpression') return parent.left === node
  if (parent.type === 'UpdateExpression' || parent.type === 'ArrayPattern') return true
  return parent.type === 'CallExpression' && parent.callee === node
}
