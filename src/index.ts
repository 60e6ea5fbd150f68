/** Everything that `hearthkv` exports. */
export type { ErrorCode, Outcome } from './base/errors.js'
export { isOperationError, OperationError } from './base/errors.js'
export type { Codec } from './codec/codec.js'
export { codecs } from './codec/codecs.js'
export type { Entry, SetOptions, SharedMapHandle, TableStats } from './map/entry.js'
export type { NamedTable, OpenOptions } from './map/named.js'
export type { AttachOptions, MapOptions } from './map/options.js'
export { SharedMap } from './map/shared-map.js'
