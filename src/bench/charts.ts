/** The three charts of the benchmarks: figures against their goal, bars by contender, lines of a sweep. Pure. */
import { askedText, type Figure, measuredText, scoreOf, verdictOf } from './figure.js'
import { element, label, picture, SERIES_COUNT } from './svg.js'

const WIDTH = 960
const LEFT = 24
const HEAD = 76

function heading(title: string, subtitle: string): string {
  return label(LEFT, 32, title, 'title') + label(LEFT, 53, subtitle, 'muted')
}

const GOAL_ROW = 26
const GOAL_LABELS = 420
const GOAL_SPAN = 270
/** Scores beyond it end at the edge. */
const MOST_SCORE = 2

/** One bar a figure, as long as it is far; the dashed line is what was asked for. */
export function goalChart(title: string, subtitle: string, figures: readonly Figure<string>[]): string {
  const asked = figures.filter((figure) => figure.asked !== undefined)
  const bottom = HEAD + asked.length * GOAL_ROW
  const goalX = LEFT + GOAL_LABELS + GOAL_SPAN / MOST_SCORE
  const rows = asked.flatMap((figure, index) => {
    const y = HEAD + index * GOAL_ROW
    const verdict = verdictOf(figure)
    const score = scoreOf(figure) ?? (figure.measured === undefined ? 0 : pointsScore(figure))
    const length = (GOAL_SPAN * Math.max(0, Math.min(score, MOST_SCORE))) / MOST_SCORE
    const told =
      verdict === 'not measured'
        ? 'not measured'
        : `${measuredText(figure)}  (${askedText(figure)}), ${verdict}`
    return [
      label(LEFT + GOAL_LABELS - 10, y + 13, `${figure.section}: ${figure.label}`, 'text', 'end'),
      element('rect', { x: LEFT + GOAL_LABELS, y, width: length, height: 18, rx: 2, class: verdict }),
      label(LEFT + GOAL_LABELS + GOAL_SPAN + 12, y + 13, told, 'muted'),
    ]
  })
  return picture(
    WIDTH,
    bottom + 16,
    title,
    heading(title, subtitle),
    ...rows,
    element('line', { x1: goalX, x2: goalX, y1: HEAD - 8, y2: bottom, class: 'goal' }),
  )
}

/** A difference within its bound is drawn at the goal or beyond, one outside before it. */
function pointsScore({ asked, measured }: Figure<string>): number {
  if (asked === undefined || measured === undefined) return 0
  return 1 + (asked.value - measured) / (2 * Math.max(asked.value, 1))
}

export interface BarGroup {
  readonly label: string
  readonly bars: readonly { readonly series: string; readonly value: number; readonly text: string }[]
}

const BAR_ROW = 19
const BAR_LABELS = 210
const BAR_SPAN = 560

/** Horizontal bars, one group an operation, one colour a series; every bar begins at 0. */
export function barChart(title: string, subtitle: string, groups: readonly BarGroup[]): string {
  const series = [...new Set(groups.flatMap(({ bars }) => bars.map((bar) => bar.series)))]
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)))
  let y = HEAD + 26
  const content: string[] = []
  for (const group of groups) {
    content.push(
      label(LEFT + BAR_LABELS - 10, y + (group.bars.length * BAR_ROW) / 2 + 2, group.label, 'text', 'end'),
    )
    for (const bar of group.bars) {
      const width = Math.max(1, (BAR_SPAN * bar.value) / most)
      const x = LEFT + BAR_LABELS
      content.push(
        element('rect', { x, y, width, height: BAR_ROW - 4, rx: 2, class: fillOf(series, bar.series) }),
        label(x + width + 7, y + 12, bar.text, 'muted'),
      )
      y += BAR_ROW
    }
    y += 14
  }
  return picture(WIDTH, y, title, heading(title, subtitle), legend(series), ...content)
}

export interface LinePanel {
  readonly title: string
  /** Names of the points on the x axis, evenly spaced. */
  readonly labels: readonly string[]
  /** One value a point; undefined leaves a gap. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[]
}

const PANEL_TOP = HEAD + 56
const PANEL_HEIGHT = 300
const PANEL_GAP = 64

/** Panels side by side, with one logarithmic axis for all: equal distances are equal ratios. */
export function lineChart(title: string, subtitle: string, panels: readonly LinePanel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))]
  const values = panels.flatMap(({ series }) => series.flatMap((one) => one.values.filter(isPositive)))
  const axis = logAxis(values)
  const width = (WIDTH - 2 * LEFT - panels.length * PANEL_GAP) / panels.length
  const content = panels.map((panel, index) => {
    const left = LEFT + PANEL_GAP + index * (width + PANEL_GAP)
    return panelOf(panel, names, axis, left, width)
  })
  return picture(
    WIDTH,
    PANEL_TOP + PANEL_HEIGHT + 46,
    title,
    heading(title, subtitle),
    legend(names),
    ...content,
  )
}

interface Axis {
  readonly ticks: readonly number[]
  readonly least: number
  readonly most: number
}

function isPositive(value: number | undefined): value is number {
  return value !== undefined && value > 0
}

/** From the power of ten, or its double or fivefold, below the least value to the one above the largest. */
export function logAxis(values: readonly number[]): Axis {
  const least = Math.min(...values, 1)
  const most = Math.max(...values, 1)
  const steps: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    steps.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
  }
  const from = steps.findLastIndex((step) => step <= least)
  const to = Math.max(
    steps.findIndex((step) => step >= most),
    from + 1,
  )
  const all = steps.slice(from, to + 1)
  const ticks = all.length > 9 ? all.filter((step) => String(step).match(/[1-9]/)?.[0] === '1') : all
  return { ticks, least: all[0] ?? 1, most: all.at(-1) ?? 1 }
}

function panelOf(
  panel: LinePanel,
  names: readonly string[],
  axis: Axis,
  left: number,
  width: number,
): string {
  const yOf = (value: number): number =>
    PANEL_TOP + PANEL_HEIGHT * (1 - Math.log(value / axis.least) / Math.log(axis.most / axis.least))
  const xOf = (index: number): number => left + (width * (index + 0.5)) / panel.labels.length
  const bottom = PANEL_TOP + PANEL_HEIGHT
  return [
    label(left, PANEL_TOP - 14, panel.title, 'text'),
    ...axis.ticks.flatMap((tick) => [
      element('line', { x1: left, x2: left + width, y1: yOf(tick), y2: yOf(tick), class: 'grid' }),
      label(left - 8, yOf(tick) + 4, String(tick), 'muted', 'end'),
    ]),
    ...panel.labels.map((name, index) => label(xOf(index), bottom + 20, name, 'muted', 'middle')),
    ...panel.series.map(({ name, values }) => {
      const points = values.flatMap((value, index) =>
        isPositive(value) ? [[xOf(index), yOf(value)] as const] : [],
      )
      const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
      const colour = seriesClass(names, name)
      return (
        element('polyline', { points: path, class: `line-${colour}` }) +
        points.map(([cx, cy]) => element('circle', { cx, cy, r: 4, class: `fill-${colour}` })).join('')
      )
    }),
  ].join('')
}

function seriesClass(names: readonly string[], name: string): number {
  return names.indexOf(name) % SERIES_COUNT
}

function fillOf(names: readonly string[], name: string): string {
  return `fill-${seriesClass(names, name)}`
}

/** About as wide as a character is at this size. */
const CHARACTER = 7.8

function legend(names: readonly string[]): string {
  let x = LEFT
  return names
    .map((name) => {
      const entry =
        element('rect', { x, y: HEAD - 7, width: 12, height: 12, rx: 2, class: fillOf(names, name) }) +
        label(x + 18, HEAD + 4, name, 'text')
      x += 18 + name.length * CHARACTER + 22
      return entry
    })
    .join('')
}
