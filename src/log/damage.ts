/**
 * Damage: stored bytes that are not what was written, at a place that was on disk. Found by readers, thrown as CORRUPT
 * with file and offset, or, where the operator accepts the loss, the place up to which the log is cut.
 */
import { OperationError } from '../base/errors.js'

export interface Damage {
  readonly file: string
  /** The first byte that can't be trusted. */
  readonly offset: number
  /** The position that can't be read any more; the first of those that are lost. */
  readonly lsn: number
  readonly fault: string
}

/** One line that says where and what. */
export function damageText(damage: Damage): string {
  return `${damage.file} at byte ${damage.offset} (position ${damage.lsn}): ${damage.fault}`
}

export class DamageError extends OperationError {
  readonly damage: Damage

  constructor(damage: Damage, path: string) {
    super(
      'CORRUPT',
      `${damageText(damage)}, in ${path}; nothing was changed. ` +
        'Restore a backup, or start with --accept-loss, which keeps the original and goes on from the last good place',
    )
    this.damage = damage
  }
}
