/**
 * Just enough SVG for the charts: elements as text, escaped, and one style sheet that reads well in light and dark.
 * Colours are classes, so that a picture follows its reader's colour scheme. Pure.
 */

export type Attributes = Readonly<Record<string, string | number>>

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that is safe between tags and within quotes; characters that XML does not have are dropped. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

/** An element; `content` is SVG already. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const given = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(typeof value === 'number' ? short(value) : value)}"`)
    .join('')
  return content.length === 0 ? `<${name}${given}/>` : `<${name}${given}>${content.join('')}</${name}>`
}

/** A piece of text; `anchor` is which of its ends lies at x. */
export function label(
  x: number,
  y: number,
  text: string,
  kind: 'title' | 'text' | 'muted',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  return element('text', { x, y, class: kind, 'text-anchor': anchor }, escapeXml(text))
}

/** Two decimals at most: a picture has no use for more. */
function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** Classes `fill-N` and `line-N`; each stands out on white and on black. */
const SERIES_COLOURS = ['#e8590c', '#3b82d6', '#8957e5', '#2f9e63', '#b88a1e', '#d6408f']
export const SERIES_COUNT = SERIES_COLOURS.length

const STYLE = [
  'text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;font-size:13px;fill:#1f2328}',
  '.title{font-size:17px;font-weight:600}',
  '.muted{fill:#59636e;font-size:12px}',
  '.paper{fill:#ffffff}',
  '.grid{stroke:#d8dee4;stroke-width:1}',
  '.goal{stroke:#1f2328;stroke-width:1.5;stroke-dasharray:5 4}',
  '.met{fill:#2f9e63}',
  '.missed{fill:#e8590c}',
  ...SERIES_COLOURS.map((colour, index) => `.fill-${index}{fill:${colour}}`),
  ...SERIES_COLOURS.map((colour, index) => `.line-${index}{stroke:${colour};stroke-width:2.5;fill:none}`),
  '@media (prefers-color-scheme:dark){',
  'text{fill:#e6edf3}.muted{fill:#9198a1}.paper{fill:#0d1117}.grid{stroke:#30363d}.goal{stroke:#e6edf3}',
  '}',
].join('')

/** A whole picture; `title` is also what a screen reader says. */
export function picture(width: number, height: number, title: string, ...content: readonly string[]): string {
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height }
  return `${element(
    'svg',
    { ...attributes, role: 'img' },
    element('title', {}, escapeXml(title)),
    `<style>${STYLE}</style>`,
    element('rect', { class: 'paper', width, height }),
    ...content,
  )}\n`
}
