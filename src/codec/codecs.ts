/** The built-in codecs under the names that users know them by; each is a file of its own beside this one. */
import { bytes } from './bytes.js'
import { float64 } from './float64.js'
import { int32, uint32 } from './int32.js'
import { int64 } from './int64.js'
import { json } from './json.js'
import { msgpack } from './msgpack.js'
import { string } from './string.js'
import { struct } from './struct.js'

export const codecs = { string, bytes, json, msgpack, int32, uint32, int64, float64, struct } as const
