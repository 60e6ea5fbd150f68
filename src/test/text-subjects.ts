/** The stores that the line protocol is tested over, and a service that answers late. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DirectStore } from '../store/direct-store.js'
import { MapStore } from '../store/map-store.js'
import type { TextService } from '../text/service.js'
import { StoreService } from '../text/store-service.js'

export interface TextSubject {
  readonly name: string
  create(): { readonly service: TextService; close(): void }
}

const FLUSHABLE = { flush: () => {}, facts: () => [['note', 'two\nlines']] as const }

export const TEXT_SUBJECTS: readonly TextSubject[] = [
  {
    name: 'a Map',
    create: () => ({ service: new StoreService(new MapStore(), FLUSHABLE), close: () => {} }),
  },
  {
    name: 'the shared table',
    create: () => {
      const store = DirectStore.create({ capacityBytes: 4 * 1024 * 1024 })
      return { service: new StoreService(store, FLUSHABLE), close: () => store.close() }
    },
  },
  {
    name: 'a service that answers later, each at its own time',
    create: () => ({
      service: lateService(new StoreService(new MapStore(), FLUSHABLE)),
      close: () => {},
    }),
  },
]

/** Does each operation at once and tells of it some turns later, the turns drawn anew each time. */
export function lateService(service: StoreService): TextService {
  let calls = 0
  const later = async <T>(work: () => T): Promise<T> => {
    calls++
    const turns = (calls * 7) % 5
    // Kept from memory that the store uses again.
    const result = work()
    const kept = result instanceof Uint8Array ? (Buffer.from(result) as T) : result
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    return kept
  }
  return {
    put: (key, value) => later(() => service.put(key, value)),
    get: (key) => later(() => service.get(key)),
    delete: (key) => later(() => service.delete(key)),
    exists: (key) => later(() => service.exists(key)),
    size: () => later(() => service.size()),
    flush: () => later(() => {}),
    stats: () => later(() => service.stats()),
  }
}
