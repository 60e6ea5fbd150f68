/** `hearth ls`: the named tables of this machine, one a line; exit code 0 also when there is none. */
import { Command } from 'commander'
import { formatSize } from '../base/size.js'
import type { NamedTable } from '../map/named.js'
import { SharedMap } from '../map/shared-map.js'
import { printJson, printLines } from './output.js'

const HEADINGS = [
  'NAME',
  'ROLE',
  'STATE',
  'CAPACITY',
  'USED',
  'OPEN IN',
  'CREATED',
  'KEYS',
  'VALUES',
] as const

function rowOf(table: NamedTable): string[] {
  const { participants } = table
  return [
    table.name,
    table.role,
    table.state,
    formatSize(table.capacityBytes),
    formatSize(table.usedBytes),
    participants === 1 ? '1 thread' : `${participants} threads`,
    timeText(table.createdAtMs),
    table.keys,
    table.values,
  ]
}

/** To the second; of a damaged file nobody knows it. */
function timeText(createdAtMs: number): string {
  return createdAtMs === 0 ? '-' : new Date(createdAtMs).toISOString().slice(0, 19).replace('T', ' ')
}

/** Columns as wide as their widest cell, two blanks apart. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

export function lsCommand(): Command {
  return new Command('ls')
    .description('list the named tables of this machine')
    .option('--json', 'one JSON object a line')
    .action(async (options: { json?: true }) => {
      const tables = SharedMap.list()
      if (options.json === true) for (const table of tables) printJson(table)
      else if (tables.length > 0) await printLines(aligned([HEADINGS, ...tables.map(rowOf)]))
    })
}
