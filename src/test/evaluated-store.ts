/**
 * A sequenced store behind the plain contract, for the tests that every store must pass: each call is an evaluation of its
 * own, and the group is ended when `endsGroup` says so, so that calls meet the overlay and the table alike.
 */
import type { SequencedStore } from '../store/sequenced-store.js'
import type { Store } from '../store/store.js'
import { withPlainCalls } from './plain-calls.js'

export function evaluatedStore(store: SequencedStore, endsGroup: () => boolean): Store {
  const call = (name: string | symbol, values: unknown[]): unknown => {
    const { result } = store.evaluate((overlay, plain) => {
      const evaluated = withPlainCalls(overlay, plain)
      const member = Reflect.get(evaluated, name, evaluated)
      return typeof member === 'function' ? Reflect.apply(member, evaluated, values) : member
    })
    if (endsGroup()) {
      const { refused } = store.commit(0)
      if (refused !== undefined) throw refused
    }
    return result
  }
  const methods = new Map<string | symbol, (...values: unknown[]) => unknown>()
  return new Proxy({} as Store, {
    get(_target, name) {
      if (name === 'size') return call(name, [])
      const known = methods.get(name)
      if (known !== undefined) return known
      const method = (...values: unknown[]): unknown => call(name, values)
      methods.set(name, method)
      return method
    },
  })
}
