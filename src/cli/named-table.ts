/**
 * The argument NAME of commands that look at a named table: opened for reading, whoever it belongs to, since who names it
 * wants to see it. Nothing of it is changed, and nobody who uses it notices.
 */
import { Native } from '../memory/native.js'
import { ReadOnlyRegion } from '../memory/read-only-region.js'
import { type RegionName, regionName } from '../memory/region-name.js'
import { answerNo, UsageError } from './exit.js'

/** Tables that others may write are looked at, too. */
const ANY_MODE = 0o666

/** Runs `use` with the region of that name, which may have been retired; says so, and answers no, if there is none. */
export async function withTable(
  name: string,
  use: (region: ReadOnlyRegion) => void | Promise<void>,
): Promise<void> {
  const region = ReadOnlyRegion.open(Native.load(), tableName(name), ANY_MODE)
  if (region === undefined) {
    process.stderr.write(`hearth: there is no table '${name}', and no such directory\n`)
    answerNo()
    return
  }
  try {
    await use(region)
  } finally {
    region.close()
  }
}

/** Throws {@link UsageError} for what cannot be the name of a table. */
export function tableName(name: string): RegionName {
  try {
    return regionName(name)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
