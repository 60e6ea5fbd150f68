/**
 * A store whose short plain sets and gets go by way of `PlainStore`, as they do in the writer thread; everything else goes
 * to `store`. So what holds for one way is tested for the other.
 */
import { Message } from '../channel/message.js'
import type { PlainStore } from '../store/plain-store.js'
import type { Condition, Expiry, Store } from '../store/store.js'

const SHORT_BYTES = 256
const NONE = new Uint8Array(0)

export function withPlainCalls(store: Store, plain: PlainStore): Store {
  const set = (key: Uint8Array, value: Uint8Array, expiry: Expiry, condition: Condition): boolean => {
    const isPlain = expiry === 'none' && condition === 'always'
    if (!isPlain || key.length > SHORT_BYTES || value.length > SHORT_BYTES)
      return store.set(key, value, expiry, condition)
    const request = new Message()
    request.fill(key, value)
    plain.setAt(request.words, key.length, 0, request.valueAt >>> 2, value.length)
    return true
  }
  const get = (key: Uint8Array): Buffer | undefined => {
    if (key.length > SHORT_BYTES) return store.get(key)
    const request = new Message()
    const reply = new Message()
    request.fill(key, NONE)
    if (!plain.getInto(reply, request.words, key.length, 0)) return undefined
    return Buffer.from(reply.bytes.subarray(0, reply.valueBytes))
  }
  return new Proxy(store, {
    get(_target, name) {
      if (name === 'set') return set
      if (name === 'get') return get
      const member: unknown = Reflect.get(store, name, store)
      return typeof member === 'function' ? member.bind(store) : member
    },
  })
}
