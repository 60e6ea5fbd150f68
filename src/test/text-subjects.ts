/** What the line protocol is tested over: stores, a service that answers late, and the way to a thread that orders writes. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DirectStore } from '../store/direct-store.js'
import { MapStore } from '../store/map-store.js'
import type { Store } from '../store/store.js'
import { CarrierService, type TextCarrier } from '../text/carrier-service.js'
import type { TextService } from '../text/service.js'
import { StoreService } from '../text/store-service.js'

export interface TextSubject {
  readonly name: string
  create(): { serviceOf(): TextService; close(): void }
}

const FLUSHABLE = { flush: () => {}, facts: () => [['note', 'two\nlines']] as const }

function shared(service: TextService, close: () => void = () => {}): ReturnType<TextSubject['create']> {
  return { serviceOf: () => service, close }
}

export const TEXT_SUBJECTS: readonly TextSubject[] = [
  { name: 'a Map', create: () => shared(new StoreService(new MapStore(), FLUSHABLE)) },
  {
    name: 'the shared table',
    create: () => {
      const store = DirectStore.create({ capacityBytes: 4 * 1024 * 1024 })
      return shared(new StoreService(store, FLUSHABLE), () => store.close())
    },
  },
  {
    name: 'a service that answers later, each at its own time',
    create: () => shared(lateService(new StoreService(new MapStore(), FLUSHABLE))),
  },
  {
    name: 'a thread that orders writes',
    create: () => {
      const released = new MapStore()
      const carrier = new DoubleCarrier(released)
      const stats = (): ReturnType<StoreService['stats']> => new StoreService(released, FLUSHABLE).stats()
      return {
        serviceOf: () => new CarrierService({ carrier, store: released, flush: () => {}, stats }),
        close: () => {},
      }
    },
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

const MOST_IN_FLIGHT = 4

/** Carries commands out some turns later, in order, a few at a time, and only then shows them in the store. */
export class DoubleCarrier implements TextCarrier {
  readonly #released: Store
  #sent: { readonly args: readonly Buffer[]; readonly replied: (reply: Uint8Array) => void }[] = []
  #waiting: (() => void)[] = []

  constructor(released: Store) {
    this.#released = released
  }

  send(args: readonly Buffer[], protocol: 2, replied: (reply: Uint8Array) => void): boolean {
    if (protocol !== 2 || this.#sent.length >= MOST_IN_FLIGHT) return false
    this.#sent.push({ args: args.map((arg) => Buffer.from(arg)), replied })
    if (this.#sent.length === 1) setImmediate(() => setImmediate(() => this.#carryOut()))
    return true
  }

  whenRoom(again: () => void): void {
    this.#waiting.push(again)
  }

  #carryOut(): void {
    for (const { args, replied } of this.#sent.splice(0)) replied(this.#reply(args))
    for (const again of this.#waiting.splice(0)) again()
  }

  #reply([name, key = Buffer.alloc(0), value = Buffer.alloc(0)]: readonly Buffer[]): Buffer {
    const store = this.#released
    switch (String(name)) {
      case 'SET':
        if (value.equals(Buffer.from('too much'))) return Buffer.from('-OOM command not allowed\r\n')
        if (value.equals(Buffer.from('no disk'))) return Buffer.from('-DISK_FULL the disk is full\r\n')
        if (value.equals(Buffer.from('odd'))) return Buffer.from('-ERR some reason\r\n')
        store.set(key, value, 'none', 'always')
        return Buffer.from('+OK\r\n')
      case 'GET': {
        const found = store.get(key)
        if (found === undefined) return Buffer.from('$-1\r\n')
        return Buffer.concat([Buffer.from(`$${found.length}\r\n`), found, Buffer.from('\r\n')])
      }
      case 'DEL':
        return Buffer.from(`:${Number(store.delete(key))}\r\n`)
      case 'EXISTS':
        return Buffer.from(`:${Number(store.has(key))}\r\n`)
      case 'DBSIZE':
        return Buffer.from(`:${store.size}\r\n`)
      default:
        throw new Error(`no command for a double: ${String(name)}`)
    }
  }
}
