/** What `hearth doctor` finds of one thing, and how it says so in 80 columns. */

/** 'good'; 'poor': it works, but slower or with a risk; 'bad': something of Hearth does not work here. */
export type Verdict = 'good' | 'poor' | 'bad'

export interface Finding {
  /** What was looked at. */
  readonly subject: string
  readonly verdict: Verdict
  readonly found: string
  /** What to do about it. */
  readonly advice?: string
}

const WIDTH = 80
const SUBJECT_WIDTH = 15
const INDENT = ' '.repeat(SUBJECT_WIDTH + 8)

export function good(subject: string, found: string): Finding {
  return { subject, verdict: 'good', found }
}

export function poor(subject: string, found: string, advice: string): Finding {
  return { subject, verdict: 'poor', found, advice }
}

export function bad(subject: string, found: string, advice: string): Finding {
  return { subject, verdict: 'bad', found, advice }
}

export function findingLines({ subject, verdict, found, advice }: Finding): string[] {
  const mark = verdict === 'good' ? 'good' : verdict.toUpperCase()
  const head = `${mark.padEnd(4)}  ${subject.padEnd(SUBJECT_WIDTH)}  `
  const lines = wrapped(found, WIDTH - head.length)
  const first = `${head}${lines[0] ?? ''}`
  const more = [
    ...lines.slice(1),
    ...(advice === undefined ? [] : wrapped(`-> ${advice}`, WIDTH - INDENT.length)),
  ]
  return [first, ...more.map((line) => `${INDENT}${line}`)]
}

/** Broken at blanks; a word that is longer than a line has one of its own. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
