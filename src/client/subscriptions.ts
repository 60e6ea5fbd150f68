/**
 * What a client listens to: channels and patterns, each with its listeners. They outlive a connection: after a reconnect
 * they are subscribed to again; what was published in between is lost, as a message is kept for nobody.
 */
import { isOperationError } from '../base/errors.js'
import type { ClientCore } from './client-core.js'
import type { Subject } from './messenger.js'

/** Gets a message and the channel that it was published on. */
export type Listener<V> = (message: V, channel: string) => void

export interface SubscribeOptions {
  /** The name is a glob, as in Redis: `news.*`. */
  readonly pattern?: boolean
  /**
   * A message that the client's value codec cannot read (default: it is passed over), or an error of the listener (default:
   * an uncaught exception of the program; the connection and other listeners go on).
   */
  readonly onError?: (error: unknown, channel: string) => void
}

interface Heard<V> {
  readonly listener: Listener<V>
  readonly onError: ((error: unknown, channel: string) => void) | undefined
}

export class Subscriptions<K, V> {
  readonly #core: ClientCore<K, V>
  readonly #heard = {
    channel: new Map<string, Set<Heard<V>>>(),
    pattern: new Map<string, Set<Heard<V>>>(),
  }

  constructor(core: ClientCore<K, V>) {
    this.#core = core
    this.#listen()
    // Before the program's own listeners, of which one may throw.
    core.events.prependListener('reconnect', () => {
      try {
        this.#listen()
      } catch (error) {
        // The connection has ended again.
        ignoreGone(error)
        return
      }
      for (const subject of ['channel', 'pattern'] as const)
        for (const name of this.#heard[subject].keys()) void this.#tell(subject, name).catch(ignoreGone)
    })
  }

  /** Resolves, when whatever is published from now on will be heard, to what ends it. */
  async add(name: string, listener: Listener<V>, options: SubscribeOptions): Promise<() => Promise<void>> {
    const subject = options.pattern === true ? 'pattern' : 'channel'
    const heard = { listener, onError: options.onError }
    const there = this.#heard[subject].get(name)
    if (there !== undefined) there.add(heard)
    else {
      this.#heard[subject].set(name, new Set([heard]))
      this.#core.hold(this.#count() > 0)
    }
    try {
      // Also for one that is not the first: the one before may still be on its way.
      await this.#tell(subject, name)
    } catch (error) {
      await this.#remove(subject, name, heard)
      throw error
    }
    return () => this.#remove(subject, name, heard)
  }

  #listen(): void {
    this.#core.link().messenger.onMessage((channel, message, pattern) => {
      const [subject, name] =
        pattern === undefined ? (['channel', channel] as const) : (['pattern', pattern] as const)
      const text = channel.toString('utf8')
      for (const heard of [...(this.#heard[subject].get(name.toString('utf8')) ?? [])])
        this.#deliver(heard, message, text)
    })
  }

  #deliver({ listener, onError }: Heard<V>, message: Buffer, channel: string): void {
    let value: V
    try {
      value = this.#core.requests.values.decode(message)
    } catch (error) {
      queueMicrotask(() => onError?.(error, channel))
      return
    }
    try {
      listener(value, channel)
    } catch (error) {
      // Not here: whatever comes of it, the others still get the message.
      queueMicrotask(() => {
        if (onError === undefined) throw error
        onError(error, channel)
      })
    }
  }

  #tell(subject: Subject, name: string): Promise<void> {
    return this.#core.link().messenger.subscribe(subject, Buffer.from(name))
  }

  async #remove(subject: Subject, name: string, heard: Heard<V>): Promise<void> {
    const there = this.#heard[subject].get(name)
    if (there?.delete(heard) !== true || there.size > 0) return
    this.#heard[subject].delete(name)
    this.#core.hold(this.#count() > 0)
    if (!this.#core.isConnected) return
    await this.#core.link().messenger.unsubscribe(subject, Buffer.from(name)).catch(ignoreGone)
  }

  #count(): number {
    return this.#heard.channel.size + this.#heard.pattern.size
  }
}

/** A connection that ends takes its subscriptions with it, and the next one makes them again. */
function ignoreGone(error: unknown): void {
  if (!isOperationError(error)) throw error
}
