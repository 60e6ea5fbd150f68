/**
 * `hearth check NAME`: walks every entry of a named table, and says whether all is well. Exit code 1 for a broken
 * invariant. Read-only unless `--hold-up` is given: nobody waits, but in a table that is written to all the time
 * chunks and pages cannot be accounted for. As a participant, the check has all writers wait while it walks.
 */
import { InvariantError } from '../base/assert.js'
import { isOperationError } from '../base/errors.js'
import { HEADER, REGION_ROLE } from '../memory/header.js'
import { MappedRegion } from '../memory/mapped-region.js'
import { Native } from '../memory/native.js'
import type { ReadOnlyRegion } from '../memory/read-only-region.js'
import { type CheckScope, checkReadOnly } from '../table/check-read-only.js'
import { sumOfStripes } from '../table/entry-limit.js'
import { Table } from '../table/table.js'
import { type TableView, viewOf } from '../table/view.js'
import { answerNo, CouldNotError } from './exit.js'
import { withTable } from './named-table.js'
import { printJson, printLine } from './output.js'

export interface CheckTableOptions {
  readonly json?: boolean
  readonly holdUp?: boolean
  readonly timeoutMs?: number
}

export interface TableCheck {
  readonly name: string
  readonly isGood: boolean
  readonly entries: number
  /** What was walked; 'entries' where others wrote all the time, so that memory could not be accounted for. */
  readonly scope: CheckScope
  /** Which invariant is broken. */
  readonly wrong?: string
}

const DEFAULT_TIMEOUT_MS = 5000
const ANY_MODE = 0o666

export async function checkTable(name: string, options: CheckTableOptions = {}): Promise<void> {
  await withTable(name, (region) => {
    if (region.isRetired)
      throw new CouldNotError(`the table '${name}' was given up: there is nothing to check`)
    const check = runCheck(name, region, options)
    if (!check.isGood) answerNo()
    if (options.json === true) printJson(check)
    else printLine(sentenceOf(check))
  })
}

function runCheck(name: string, region: ReadOnlyRegion, options: CheckTableOptions): TableCheck {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const view = viewOf(region)
  const found = { name, entries: sumOfStripes(view) }
  try {
    const scope =
      options.holdUp === true
        ? checkHeldUp(region, view, timeoutMs)
        : checkReadOnly(view, region.presence, timeoutMs)
    return { ...found, isGood: true, scope }
  } catch (error) {
    if (isOperationError(error, 'TIMEOUT')) throw new CouldNotError(error.message)
    if (!(error instanceof InvariantError)) throw error
    return { ...found, isGood: false, scope: 'everything', wrong: error.message }
  }
}

/** Joins the table, which settles what the dead have left. */
function checkHeldUp({ name }: ReadOnlyRegion, view: TableView, lockTimeoutMs: number): CheckScope {
  if (view.words[HEADER.role] !== REGION_ROLE.DIRECT)
    throw new CouldNotError(
      `'${name.name}' is served, and nobody else can hold its writers up: check it without --hold-up`,
    )
  const region = MappedRegion.open(Native.load(), name, ANY_MODE)
  if (region === undefined) throw new CouldNotError(`the table '${name.name}' has just been removed`)
  const table = Table.attach(region, { lockTimeoutMs })
  try {
    table.check()
  } finally {
    table.close()
  }
  return 'everything'
}

function sentenceOf({ name, isGood, entries, scope, wrong }: TableCheck): string {
  const counted = `${entries} ${entries === 1 ? 'entry' : 'entries'}`
  if (!isGood) return `${name}: BROKEN, ${counted}: it does not hold that ${wrong}`
  if (scope === 'everything') return `${name}: good, ${counted}, every chunk and page accounted for`
  return `${name}: good, ${counted}; others were writing, so chunks and pages were not accounted for (--hold-up does)`
}
