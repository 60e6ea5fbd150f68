/** The figures as text: a heading a section, a row a figure, and a last line that counts. Pure. */
import {
  askedText,
  type Figure,
  measuredText,
  SECTIONS,
  type Section,
  type Verdict,
  verdictOf,
} from './figure.js'
import { type Machine, machineLine } from './machine.js'
import type { FiguresScale } from './section.js'

const LABEL_WIDTH = 50
const VERDICTS: { readonly [verdict in Verdict]: string } = {
  met: 'met',
  missed: 'MISSED',
  'not measured': 'skipped',
  reported: '',
}

export function formatStart(machine: Machine, { keys, valueBytes, rounds }: FiguresScale): string {
  return [
    machineLine(machine),
    `${keys} keys of 16 B, values of ${valueBytes} B; medians of ${rounds} interleaved rounds, each pass a process of its own`,
    '',
    `  ${'figure'.padEnd(LABEL_WIDTH)}${'asked'.padStart(14)}${'measured'.padStart(14)}`,
  ].join('\n')
}

/** The heading where a section begins. */
export function formatSection(section: Section): string {
  return `${section}: ${SECTIONS[section]}`
}

export function formatFigure(figure: Figure<string>): string {
  const cells = `${askedText(figure).padStart(14)}${measuredText(figure).padStart(14)}`
  const verdict = VERDICTS[verdictOf(figure)].padEnd(7)
  return `  ${figure.label.padEnd(LABEL_WIDTH)}${cells}  ${verdict}  ${figure.detail}`
}

/** The last line: how many figures were met. */
export function formatEnd({
  figures,
  seconds,
}: {
  readonly figures: readonly Figure<string>[]
  readonly seconds: number
}): string {
  const count = (verdict: Verdict): number => figures.filter((figure) => verdictOf(figure) === verdict).length
  return `${count('met')} met, ${count('missed')} missed, ${count('not measured')} not measured; ${seconds.toFixed(0)} s`
}
