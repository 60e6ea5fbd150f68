/**
 * A message on its way from a client to all who listen: checked here, and sent after everything that this client has asked
 * before, though it goes by another way than requests do. What is heard is in subscriptions.ts.
 */
import { monotonicMs } from '../base/clock.js'
import { MAX_KEY_BYTES } from '../base/limits.js'
import { describe } from '../codec/codec.js'
import { abortedBy, type CallOptions, checkCallOptions } from './call-options.js'
import type { ClientCore } from './client-core.js'
import { MAX_MESSAGE_BYTES } from './control-messages.js'
import { bytesFrom } from './requests.js'

/** Resolves to how many listen. Rejects with TypeError or RangeError for what cannot be sent. */
export async function publish<K, V>(
  core: ClientCore<K, V>,
  channel: string,
  message: V,
  options: CallOptions | undefined,
): Promise<number> {
  checkChannel(channel)
  // A copy: what came in as bytes is the caller's again before the message is sent.
  const bytes = Buffer.from(bytesFrom(core.requests.values.prepare(message), 'message'))
  if (bytes.length > MAX_MESSAGE_BYTES)
    throw new RangeError(`the message takes ${bytes.length} bytes; one may take at most ${MAX_MESSAGE_BYTES}`)
  const startMs = monotonicMs()
  if (options !== undefined) checkCallOptions(options)
  const { lane, calls, messenger } = core.link()
  if (lane.inFlight > 0 || calls.pending > 0 || core.unsentMessages > 0) {
    core.unsentMessages++
    try {
      // Carried out in order, so its answer says that all before it has been.
      await core.call(() => core.requests.size(), options)
    } finally {
      core.unsentMessages--
    }
  }
  // To a server of this process it goes at once, which nothing could give up.
  if (options?.signal?.aborted === true) throw abortedBy(options.signal, false)
  return messenger.publish(Buffer.from(channel), bytes, restOf(options, startMs))
}

/** What of the time limit is left; without one, messages have the client's. */
function restOf(options: CallOptions | undefined, startMs: number): CallOptions | undefined {
  const { timeoutMs } = options ?? {}
  if (timeoutMs === undefined) return options
  return { ...options, timeoutMs: Math.max(1, timeoutMs - (monotonicMs() - startMs)) }
}

export function checkChannel(channel: unknown): asserts channel is string {
  if (typeof channel !== 'string') throw new TypeError(`a channel is a string, not ${describe(channel)}`)
  if (!channel.isWellFormed()) throw new TypeError('the name of a channel holds a lone surrogate')
  const bytes = Buffer.byteLength(channel)
  if (bytes > MAX_KEY_BYTES)
    throw new RangeError(`the name of a channel takes ${bytes} bytes; one may take at most ${MAX_KEY_BYTES}`)
}
