/**
 * `hearth load FILE`: stores every entry of a dump (`-`: standard input). Lines travel in batches; the first one
 * that is wrong, or that the node refuses, ends the load and is named. What went before it stays stored.
 */
import { createReadStream, type ReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { RespError } from '../client/reply-reader.js'
import type { RespClient } from '../client/resp-client.js'
import { CouldNotError, UsageError } from './exit.js'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printJson, printLine } from './output.js'
import { Progress } from './progress.js'
import { type Entry, parseRecord } from './record.js'

const BATCH_LINES = 512
/** A batch of large values is sent earlier. */
const BATCH_BYTES = 8 * 1024 * 1024

interface NumberedEntry {
  readonly lineNumber: number
  readonly entry: Entry
}

async function store(
  client: RespClient,
  { lineNumber, entry }: NumberedEntry,
  source: string,
): Promise<void> {
  const { key, value, ttlMs } = entry
  try {
    // An entry whose time was up when it was dumped must not live for ever.
    if (ttlMs === 0) await client.call('DEL', key)
    else await client.call('SET', key, value, ...(ttlMs === undefined ? [] : ['PX', ttlMs]))
  } catch (error) {
    if (error instanceof RespError) throw new CouldNotError(`${source} line ${lineNumber}: ${error.message}`)
    throw error
  }
}

function parseLine(line: string, lineNumber: number, source: string): NumberedEntry {
  try {
    return { lineNumber, entry: parseRecord(line) }
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${source} line ${lineNumber}: ${error.message}`)
    throw error
  }
}

/** Waits for all, so that nothing is left in flight when the first failure is reported. */
async function storeAll(client: RespClient, batch: readonly NumberedEntry[], source: string): Promise<void> {
  const results = await Promise.allSettled(batch.map((numbered) => store(client, numbered, source)))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Stores every line; returns how many. */
async function load(client: RespClient, input: Readable, source: string, totalBytes: number | undefined) {
  const progress = new Progress('entries')
  let batch: NumberedEntry[] = []
  let batchBytes = 0
  let lineNumber = 0
  let stored = 0
  const flush = async (): Promise<void> => {
    await storeAll(client, batch, source)
    stored += batch.length
    batch = []
    batchBytes = 0
    progress.update(stored, totalBytes === undefined ? undefined : input.bytesRead / totalBytes)
  }
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      lineNumber += 1
      if (line.trim() === '') continue
      const numbered = parseLine(line, lineNumber, source)
      batch.push(numbered)
      batchBytes += numbered.entry.value.length
      if (batch.length >= BATCH_LINES || batchBytes >= BATCH_BYTES) await flush()
    }
    await flush()
  } finally {
    progress.done()
  }
  return stored
}

type Readable = Pick<ReadStream, 'bytesRead'> & NodeJS.ReadableStream

/** The file, opened, and its length where it has one. */
function openInput(file: string): { input: Readable; totalBytes: number | undefined } {
  if (file === '-') return { input: process.stdin as unknown as Readable, totalBytes: undefined }
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) throw new UsageError(`${file} is a directory`)
    return {
      input: createReadStream(file),
      totalBytes: stat.isFile() && stat.size > 0 ? stat.size : undefined,
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

export function loadCommand(): Command {
  return withNodeAddress(new Command('load').description('store every entry of a dump'))
    .argument('<file>', 'a dump: a JSON object a line; - reads standard input')
    .option('--json', 'print {stored: number of entries}')
    .action(async (file: string, options: NodeAddress & { json?: true }) => {
      const { input, totalBytes } = openInput(file)
      const source = file === '-' ? 'standard input' : file
      const stored = await withClient(options, (client) => load(client, input, source, totalBytes))
      if (options.json === true) printJson({ stored })
      else printLine(`${stored} entries stored`)
    })
}
