/** What happens to a log, in words for whoever runs the node. */
import type { LogEvent } from './lane-orders.js'

/** `isTrouble`: somebody should look at it. */
export function describeLogEvent(event: LogEvent): { readonly isTrouble: boolean; readonly text: string } {
  switch (event.kind) {
    case 'torn-tail':
      return {
        isTrouble: false,
        text: `the log ended in ${event.bytes} bytes of a write that was cut off (${event.place.file}, byte ${event.place.offset}); nothing acknowledged was in it`,
      }
    case 'damage-cut':
      return {
        isTrouble: true,
        text: `the log is damaged in ${event.damage.file} at byte ${event.damage.offset} (${event.damage.fault}); it was cut there, and the original is kept as ${event.kept.join(', ')}`,
      }
    case 'snapshot-skipped':
      return {
        isTrouble: true,
        text: `a snapshot is damaged in ${event.damage.file} at byte ${event.damage.offset} (${event.damage.fault}); an earlier one and the log were used instead`,
      }
    case 'snapshot':
      return {
        isTrouble: false,
        text: `snapshot ${event.made.name}: ${event.made.entries} entries, ${event.made.bytes} bytes, ${Math.round(event.elapsedMs)} ms`,
      }
    case 'log-state':
      return { isTrouble: event.state !== 'ok', text: event.text }
    case 'snapshot-failed':
      return { isTrouble: true, text: `a snapshot could not be made: ${String(event.error)}` }
  }
}
