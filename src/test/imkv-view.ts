/** The table of imkv that this thread has, as its tests look at it. */
import { HT_RET, ht_iterate, ht_lookup, ht_share } from '../imkv/imkv.js'
import { ImkvTable } from '../imkv/imkv-table.js'

/** Walks the table and throws on a broken invariant, as one more user of it. */
export function check(): void {
  const table = ImkvTable.attach(ht_share())
  table.check()
  table.close()
}

/** The value of `key`, undefined if it is not there. */
export function lookup(key: string): string | undefined {
  const out: { val?: string } = {}
  return ht_lookup(key, out) === HT_RET.FOUND ? out.val : undefined
}

/** Every bucket in the order of insertion. */
export function allChains(buckets: number): (readonly [string, string])[][] {
  return Array.from({ length: buckets }, (_, bucket) => ht_iterate(bucket))
}
