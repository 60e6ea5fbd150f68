/** A sweep as text: a table a panel, a row a contender. Pure. */
import { CONTENDERS } from './contender-list.js'
import { SWEEPS, type SweepReport } from './sweep.js'

const LABEL_WIDTH = Math.max(...Object.values(CONTENDERS).map(({ label }) => label.length)) + 2
const CELL_WIDTH = 10

function cell(value: number | null): string {
  if (value === null) return '-'
  return value < 0.1 ? value.toFixed(4) : value.toFixed(2)
}

function line(label: string, cells: readonly string[]): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${cells.map((text) => text.padStart(CELL_WIDTH)).join('')}`
}

export function formatSweep({ sweep, rounds, points, panels, leftOut }: SweepReport): string {
  const sizes = points.map(
    ({ label, keys, valueBytes, threads }) =>
      `${label}: ${keys} keys of 16 + ${valueBytes} B${threads === 1 ? '' : `, ${threads} threads`}`,
  )
  return [
    `sweep ${sweep}: ${SWEEPS[sweep]}; medians of ${rounds} interleaved rounds`,
    ...panels.flatMap(({ title, labels, series }) => [
      line(title.slice(0, LABEL_WIDTH), labels),
      ...series.map(({ contender, millionPerSecond }) =>
        line(CONTENDERS[contender].label, millionPerSecond.map(cell)),
      ),
    ]),
    `  (${sizes.join('; ')})`,
    ...leftOut.map((reason) => `  left out: ${reason}`),
    '',
  ].join('\n')
}
