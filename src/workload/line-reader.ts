/**
 * The lines of a text file, one after the other, however large it is: a block of the file is in memory, no more.
 * Lines end with \n or \r\n; the last one may go without. What is handed out is bytes of that block, valid during the
 * call only, so that ten million lines cost no ten million strings.
 *
 * For files of short lines; synchronous, so not for a thread that has an event loop to look after.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { FileFault } from './file-fault.js'

/** A line, of which `bytes` from `from` to `to` are what it says, spaces around it left out. */
export interface Line {
  readonly bytes: Uint8Array
  from: number
  to: number
  /** Counted from 1. */
  number: number
}

export interface ReadOptions {
  /** Told after each block: how far of the file, 0 to 1, where its size is known. */
  readonly onBlock?: (lines: number, fraction: number | undefined) => void
  /** Bytes that are read at once; the longest line is shorter. Default 1 MiB. */
  readonly blockBytes?: number
}

const BLOCK_BYTES = 1024 * 1024
const NEWLINE = 10
const SPACE = 32

/** Calls `onLine` with each line that is not blank. Throws FileFault for a file that cannot be read. */
export function readLines(path: string, onLine: (line: Line) => void, options: ReadOptions = {}): void {
  const file = openText(path)
  try {
    const size = fstatSync(file).size
    const bytes = Buffer.allocUnsafe(options.blockBytes ?? BLOCK_BYTES)
    const line: Line = { bytes, from: 0, to: 0, number: 0 }
    let readBytes = 0
    let kept = 0
    for (;;) {
      if (kept === bytes.length) {
        throw new FileFault(path, `a line of more than ${bytes.length} bytes`, line.number + 1)
      }
      const count = readBlock(path, file, bytes, kept)
      if (count === 0) break
      readBytes += count
      const end = kept + count
      const next = passLines(line, end, onLine)
      bytes.copyWithin(0, next, end)
      kept = end - next
      options.onBlock?.(line.number, size > 0 ? Math.min(1, readBytes / size) : undefined)
    }
    if (kept > 0) passLine(line, 0, kept, onLine)
  } finally {
    closeSync(file)
  }
}

/** What a line says, for a message: not more than fits one. */
export function textOf({ bytes, from, to }: Line): string {
  const shown = Buffer.from(bytes.subarray(from, Math.min(to, from + 60))).toString('latin1')
  return JSON.stringify(to - from > 60 ? `${shown}...` : shown)
}

function openText(path: string): number {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new FileFault(path, reasonOf(error))
  }
  if (!fstatSync(file).isDirectory()) return file
  closeSync(file)
  throw new FileFault(path, 'is a directory')
}

function readBlock(path: string, file: number, bytes: Uint8Array, from: number): number {
  try {
    return readSync(file, bytes, from, bytes.length - from, null)
  } catch (error) {
    throw new FileFault(path, reasonOf(error))
  }
}

/** Hands out the lines that end before `end`; returns where the rest begins. */
function passLines(line: Line, end: number, onLine: (line: Line) => void): number {
  let from = 0
  for (;;) {
    const newline = line.bytes.indexOf(NEWLINE, from)
    if (newline === -1 || newline >= end) return from
    passLine(line, from, newline, onLine)
    from = newline + 1
  }
}

function passLine(line: Line, from: number, to: number, onLine: (line: Line) => void): void {
  line.number++
  while (from < to && line.bytes[from]! <= SPACE) from++
  while (to > from && line.bytes[to - 1]! <= SPACE) to--
  if (from === to) return
  line.from = from
  line.to = to
  onLine(line)
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'may not be read'
  return error instanceof Error ? error.message : String(error)
}
