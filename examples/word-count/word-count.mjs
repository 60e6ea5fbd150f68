/**
 * Several threads count the words of the same pile of text into one map, then one thread checks the result.
 *
 * The files are dealt out to the threads; frequent words are incremented by all of them at the same time.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { codecs, SharedMap } from 'hearthkv'

const TEXT_FILE = /^(readme|licen[cs]e|copying)(\.|$)/i
const WORD = /[\p{Letter}\p{Number}]+/gu

/** @param {string} folder @returns {string[]} */
function textFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && TEXT_FILE.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** @param {readonly string[]} files @param {(word: string) => void} count */
function countWords(files, count) {
  for (const file of files) {
    for (const [word] of readFileSync(file, 'utf8').toLowerCase().matchAll(WORD)) count(word)
  }
}

/** @param {SharedMap<string, number>} shared @param {Map<string, number>} alone */
function differences(shared, alone) {
  const wrong = [...alone].filter(([word, count]) => shared.get(word) !== count).map(([word]) => word)
  const extra = [...shared.keys()].filter((word) => !alone.has(word))
  return [...wrong, ...extra]
}

async function main() {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', default: String(Math.max(2, availableParallelism())) },
      folder: { type: 'string', default: fileURLToPath(new URL('../../node_modules', import.meta.url)) },
      top: { type: 'string', default: '10' },
    },
  })
  const threads = Number(values.threads)
  const files = textFiles(values.folder)
  const words = new SharedMap({ capacity: '64MiB', values: codecs.uint32 })

  const workers = Array.from({ length: threads }, (_, thread) => {
    const share = files.filter((_, index) => index % threads === thread)
    return new Worker(new URL(import.meta.url), { workerData: { words: words.share(), files: share } })
  })
  const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')))

  const alone = new Map()
  countWords(files, (word) => alone.set(word, (alone.get(word) ?? 0) + 1))
  const wrong = differences(words, alone)
  words.check()

  const total = [...words.values()].reduce((sum, count) => sum + count, 0)
  const top = [...words].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, Number(values.top))
  console.log(`${files.length} files, ${threads} threads`)
  console.log(`${total} words, ${words.size} different`)
  for (const [word, count] of top) console.log(`${String(count).padStart(8)} ${word}`)
  const finished = codes.every(([code]) => code === 0)
  const equal = finished && wrong.length === 0
  console.log(
    equal ? 'equal to the count of one thread' : `different in ${wrong.length}: ${wrong.slice(0, 5)}`,
  )
  process.exitCode = equal ? 0 : 1
}

if (isMainThread) {
  await main()
} else {
  const words = SharedMap.attach(workerData.words, { values: codecs.uint32 })
  countWords(workerData.files, (word) => words.increment(word))
}
