/**
 * The operations that the death test stops after every store: each with the memory that it starts from, so that together
 * they take every path through table, slab, lines and pages. Here are those of who comes, goes or looks on; the others lie in
 * a file for each place where a death can be.
 */
import { PARTICIPANT } from '../memory/participant.js'
import { BUCKET_SCENARIOS } from './death-bucket-scenarios.js'
import { ENTRY_SCENARIOS } from './death-entry-scenarios.js'
import { ROOM_SCENARIOS } from './death-room-scenarios.js'
import { fill, fillUp, type Scenario, SMALL } from './death-start.js'
import { storeHook } from './death-stores.js'

const PARTICIPANT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'an idle thread with chunks in its magazines',
    full: true,
    valueBytes: 290,
    prepare(world, a, b) {
      fillUp(world, b, 'z'.repeat(290), 0)
      for (let i = 0; i < 9; i++) world.remove(a, `full${20 + i}`)
    },
    // One store that means nothing, so that there is a death to have.
    operate(_, a) {
      storeHook.store(a.space.words, a.space.registry.at + PARTICIPANT.spareStripe, 0)
    },
  },
  {
    name: 'joining',
    prepare(world, _, b) {
      world.put(b, 'one', SMALL)
    },
    operate: (world, _, actor) => void world.attach(actor),
  },
  {
    name: 'closing with chunks in the magazines',
    prepare(world, a, b) {
      fill(world, b, 6, SMALL)
      for (let i = 0; i < 3; i++) world.remove(a, `k${i}`)
    },
    operate: (_, a) => a.close(),
    last: true,
  },
  {
    name: 'a check, with all desks taken',
    prepare(world, _, b) {
      fill(world, b, 6, SMALL)
    },
    operate: (_, a) => a.check(),
  },
]

export const SCENARIOS: readonly Scenario[] = [
  ...ENTRY_SCENARIOS,
  ...BUCKET_SCENARIOS,
  ...ROOM_SCENARIOS,
  ...PARTICIPANT_SCENARIOS,
]
