/**
 * What a command prints. stdout carries answers only; a reader that has gone away (`| head`) ends the command
 * quietly.
 */
import { once } from 'node:events'

const NEWLINE = Buffer.from('\n')

export function printLine(line: string | Buffer): void {
  process.stdout.write(Buffer.concat([Buffer.from(line), NEWLINE]))
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value))
}

/** As {@link printLine} for many lines, waiting when the reader is slower. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0 && !process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain')
}

/** Call once at the start: writing to a closed pipe is no failure. */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
