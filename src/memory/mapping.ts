/**
 * The segments of a region's file, mapped one by one.
 *
 * A mapping lives as long as any view of it (mapping-end.ts).
 */
import { OperationError } from '../base/errors.js'
import type { NativeBuffer } from '../base/native-buffer.js'
import { formatSize } from '../base/size.js'
import { unmapWith } from './mapping-end.js'
import type { MapAccess, Native } from './native.js'
import type { Segment } from './region.js'

/** Maps the file at `path`, open as `descriptor`, which may be closed afterwards. `address`: of the first segment. */
export function mapSegments(
  native: Native,
  descriptor: number,
  path: string,
  segmentBytes: readonly number[],
  access: MapAccess,
): { address: number; segments: Segment[] } {
  let offset = 0
  let address = 0
  const segments: Segment[] = []
  for (const bytes of segmentBytes) {
    const mapping = native.map(descriptor, offset, bytes, access)
    if (mapping === undefined) throw cannotMap(path, bytes)
    unmapWith(mapping.buffer, native, mapping.address, bytes)
    if (offset === 0) address = mapping.address
    segments.push(viewsOf(mapping.buffer))
    offset += bytes
  }
  return { address, segments }
}

function viewsOf(buffer: ArrayBuffer): Segment {
  return {
    words: new Int32Array(buffer),
    floats: new Float64Array(buffer),
    longs: new BigInt64Array(buffer),
    bytes: Buffer.from(buffer) as unknown as NativeBuffer,
  }
}

/** For a program that has mapped all that it may. */
export function cannotMap(path: string, bytes: number): OperationError {
  return new OperationError(
    'FULL',
    `the system cannot map ${formatSize(bytes)} of ${path}: close other tables, or allow this program more address space ` +
      '(ulimit -v) or mappings (sysctl vm.max_map_count).',
  )
}
