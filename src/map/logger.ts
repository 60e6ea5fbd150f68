/** Whom a map or a server tells of what its program may want to know; the library never prints. */
import { describe } from '../codec/codec.js'

/** A pino logger is one, and so is `console`. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
}

/** Throws TypeError for what cannot be told anything. */
export function checkLogger(logger: unknown): Logger | undefined {
  if (logger === undefined) return undefined
  const { info, warn } = (logger ?? {}) as { info?: unknown; warn?: unknown }
  if (typeof info === 'function' && typeof warn === 'function') return logger as Logger
  throw new TypeError(`logger must have the methods info and warn, as console has, not ${describe(logger)}`)
}
