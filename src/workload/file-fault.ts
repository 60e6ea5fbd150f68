/** What is wrong with a file of requests or answers: which file, which line, what. The caller's mistake, in one line. */
export class FileFault extends Error {
  override readonly name = 'FileFault'
  readonly path: string
  /** Counted from 1; undefined where the file as a whole is meant. */
  readonly lineNumber: number | undefined

  constructor(path: string, what: string, lineNumber?: number) {
    super(lineNumber === undefined ? `${path}: ${what}` : `${path} line ${lineNumber}: ${what}`)
    this.path = path
    this.lineNumber = lineNumber
  }
}
