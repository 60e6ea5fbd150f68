/**
 * How a table makes room where memory runs out: what has expired goes first, then, in a table that evicts, what was not used
 * for longest. All of it happens from the desk of whoever needs the memory, which holds no stripe then.
 *
 * Not for sequenced tables: there nothing goes that the log does not know of.
 */
import { EVICTION, HEADER } from '../memory/header.js'
import type { Desk } from './desk.js'
import { Eviction } from './eviction.js'
import type { ExpirySweep } from './expiry-sweep.js'
import { PageEviction } from './page-eviction.js'
import type { RegionClock } from './region-clock.js'
import type { Space } from './space.js'

/** Lets `desk` remove what has expired, and what is in the way if it may. */
export function letMakeRoom(space: Space, clock: RegionClock, desk: Desk, expirySweep: ExpirySweep): void {
  if (space.facts.eviction === EVICTION.CLOCK) {
    const entries = new Eviction(space, clock)
    const pages = new PageEviction(space, () => desk.gather())
    desk.setEvictor({
      evictLike: (bytes) => entries.evictLike(bytes),
      evictAny: () => entries.evictAny(),
      evictPages: (count, spared) => pages.evictPages(count, spared),
    })
  }
  desk.setSweep(() => (space.words[HEADER.hasExpiries] === 0 ? 0 : expirySweep.sweep()))
}
