/**
 * Builds the instrumented copy of the table: the compiled output of `memory` and `table`, with every store into an
 * array element, every storing `Atomics` call, every `fill`, `set` and native write of text turned into a call of the store hook, which decides
 * whether the array is shared (see death-stores.ts). Timers are left out: a dead thread has none.
 *
 * The copy lies in a temporary folder and runs the very statements that users run, in their order. Not seen: stores by
 * other methods of a Buffer (`write`, `copy` into shared memory), which the table does not use.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type AnyNode, parse } from 'acorn'
import { storeHook } from './death-stores.js'

const DIST = fileURLToPath(new URL('..', import.meta.url))
/** Where koffi is found. */
const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const HOOK = '$stores'
const STORING = new Set(['store', 'exchange', 'compareExchange', 'add', 'sub', 'or', 'and', 'xor'])
const RANGE_METHODS = new Set(['fill', 'set', 'utf8Write', 'latin1Write'])

export interface InstrumentedBuild {
  readonly table: typeof import('../table/table.js')
  readonly space: typeof import('../table/space.js')
  readonly writer: typeof import('../table/writer.js')
  readonly header: typeof import('../memory/header.js')
  readonly region: typeof import('../memory/shared-array-region.js')
  readonly mapped: typeof import('../memory/mapped-region.js')
  readonly presence: typeof import('../memory/kernel-presence.js')
  readonly native: typeof import('../memory/native.js')
  readonly regionName: typeof import('../memory/region-name.js')
  readonly geometry: typeof import('../memory/geometry.js')
  remove(): void
}

/** Makes the copy and loads it. */
export async function instrumentedBuild(): Promise<InstrumentedBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-death-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  symlinkSync(PACKAGES, join(folder, 'node_modules'))
  ;(globalThis as Record<string, unknown>)[HOOK] = storeHook
  copyBase(folder)
  for (const layer of ['memory', 'table']) {
    mkdirSync(join(folder, layer))
    for (const name of readdirSync(join(DIST, layer))) {
      if (!name.endsWith('.js') || name.endsWith('.test.js')) continue
      const source = readFileSync(join(DIST, layer, name), 'utf8')
      writeFileSync(join(folder, layer, name), instrument(source, `${layer}/${name}`))
    }
  }
  const load = (path: string) => import(pathToFileURL(join(folder, path)).href)
  return {
    table: await load('table/table.js'),
    space: await load('table/space.js'),
    writer: await load('table/writer.js'),
    header: await load('memory/header.js'),
    region: await load('memory/shared-array-region.js'),
    mapped: await load('memory/mapped-region.js'),
    presence: await load('memory/kernel-presence.js'),
    native: await load('memory/native.js'),
    regionName: await load('memory/region-name.js'),
    geometry: await load('memory/geometry.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The lowest layer into `folder`, with the one file of it that stores into memory of others instrumented. */
export function copyBase(folder: string): void {
  cpSync(join(DIST, 'base'), join(folder, 'base'), { recursive: true })
  const path = join(folder, 'base', 'word-copy.js')
  writeFileSync(path, instrument(readFileSync(path, 'utf8'), 'base/word-copy.js'))
}

/** `source` with its stores turned into calls of the hook. */
export function instrument(source: string, path: string): string {
  const tree = parse(source, { ecmaVersion: 2022, sourceType: 'module' })
  return new Emitter(source, path).emit(tree)
}

class Emitter {
  readonly #source: string
  readonly #path: string

  constructor(source: string, path: string) {
    this.#source = source
    this.#path = path
  }

  emit(node: AnyNode): string {
    switch (node.type) {
      case 'AssignmentExpression':
        if (node.left.type === 'MemberExpression' && node.left.computed) {
          const target = this.#element(node.left)
          const value = this.emit(node.right)
          if (node.operator === '=') return `${HOOK}.store(${target}, ${value})`
          return `${HOOK}.change(${target}, '${node.operator.slice(0, -1)}', ${value})`
        }
        break
      case 'UpdateExpression':
        if (node.argument.type === 'MemberExpression' && node.argument.computed) {
          const method = node.prefix ? 'change' : 'changeAfter'
          return `${HOOK}.${method}(${this.#element(node.argument)}, '${node.operator.slice(1)}', 1)`
        }
        break
      case 'CallExpression':
        return this.#emitCall(node) ?? this.#emitChildren(node)
    }
    return this.#emitChildren(node)
  }

  #emitCall(node: AnyNode & { type: 'CallExpression' }): string | undefined {
    const values = node.arguments.map((value) => this.emit(value))
    const { callee } = node
    if (callee.type === 'Identifier' && callee.name === 'setInterval') return '({ unref() {} })'
    if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier' || callee.computed)
      return undefined
    const { name } = callee.property
    if (callee.object.type === 'Identifier' && callee.object.name === 'Atomics') {
      return STORING.has(name) ? `${HOOK}.atomic('${name}', ${values.join(', ')})` : undefined
    }
    if (name === 'copyWithin') throw new Error(`${this.#path}: the store hook does not know ${name}`)
    if (!RANGE_METHODS.has(name)) return undefined
    return `${HOOK}.call(${this.emit(callee.object)}, '${name}', [${values.join(', ')}])`
  }

  #element(node: AnyNode & { type: 'MemberExpression' }): string {
    return `${this.emit(node.object)}, ${this.emit(node.property)}`
  }

  #emitChildren(node: AnyNode): string {
    let text = ''
    let from = node.start
    for (const child of childrenOf(node)) {
      text += this.#source.slice(from, child.start) + this.emit(child)
      from = child.end
    }
    return text + this.#source.slice(from, node.end)
  }
}

/** Child nodes in the order of the text. */
function childrenOf(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = []
  for (const value of Object.values(node) as unknown[]) {
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) found.push(item)
  }
  // A shorthand property names one node twice.
  const sorted = found.sort((a, b) => a.start - b.start)
  return sorted.filter((child, index) => index === 0 || child.start >= (sorted[index - 1] as AnyNode).end)
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
