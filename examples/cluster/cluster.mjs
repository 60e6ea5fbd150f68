/**
 * Several processes, one port, one memory: node:cluster starts servers that count visits, limit the rate of each user and
 * keep sessions in named tables. The primary then asks them, a new connection each time, and shows that whichever
 * process answers knows what all others did. Exits with 1 if not.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { parseArgs } from 'node:util'
import { codecs, SharedMap } from 'hearthkv'

const { values: flags } = parseArgs({
  options: { processes: { type: 'string', default: '4' }, requests: { type: 'string', default: '160' } },
})
const LIMIT = 100
const WINDOW_MS = 60_000

/** The same call in every process: the first makes the table, the others find it. */
function openTables() {
  return {
    visits: SharedMap.open('example-visits', { capacity: '1MiB', values: codecs.uint32 }),
    limits: SharedMap.open('example-limits', { capacity: '4MiB', values: codecs.uint32 }),
    sessions: SharedMap.open('example-sessions', { capacity: '16MiB', values: codecs.json() }),
  }
}

async function serve() {
  const { visits, limits, sessions } = openTables()
  const server = createServer((request, response) => {
    const user = new URL(request.url ?? '/', 'http://local').searchParams.get('user') ?? 'nobody'
    response.setHeader('x-process', process.pid)
    visits.increment('all')
    // Counts, and begins the window when it is the first: one atomic step, whichever process it comes to.
    const { value, remainingTtlMs } = limits.hit(user, { ttlMs: WINDOW_MS })
    if (value > LIMIT) {
      response.writeHead(429, { 'retry-after': Math.ceil(remainingTtlMs / 1000) }).end('slow down\n')
      return
    }
    const session = sessions.compute(user, (found) => ({
      user,
      pages: (found?.pages ?? 0) + 1,
      processes: [...new Set([...(found?.processes ?? []), process.pid])],
    }))
    response.end(JSON.stringify(session))
  })
  server.listen(0, '127.0.0.1')
}

/** @returns {Promise<{ status: number, process: string, text: string }>} */
async function ask(port, user) {
  const [response] = await once(get({ port, path: `/?user=${user}`, agent: false }), 'response')
  const text = (await response.toArray()).join('')
  return { status: response.statusCode, process: response.headers['x-process'], text }
}

/** What a run that was ended by force has left. */
function removeTables() {
  for (const name of ['example-visits', 'example-limits', 'example-sessions']) SharedMap.unlink(name)
}

async function lead() {
  const requests = Number(flags.requests)
  removeTables()
  const workers = Array.from({ length: Number(flags.processes) }, () => cluster.fork())
  const [[{ port }]] = await Promise.all(workers.map((worker) => once(worker, 'listening')))

  const answers = []
  for (let i = 0; i < requests; i++) answers.push(await ask(port, i % 5 === 4 ? 'grace' : 'ada'))

  const { visits, sessions } = openTables()
  const all = visits.get('all')
  const ada = sessions.get('ada')
  const asked = requests - Math.floor(requests / 5)
  const refused = answers.filter(({ status }) => status === 429).length
  console.log(`${new Set(answers.map((answer) => answer.process)).size} processes answered`)
  console.log(`${all} visits counted of ${requests}`)
  console.log(`ada: ${ada.pages} pages in one session that ${ada.processes.length} processes wrote`)
  console.log(`ada: ${refused} of ${asked} requests were over the limit of ${LIMIT}`)
  const isRight = all === requests && ada.pages === Math.min(asked, LIMIT) && ada.pages + refused === asked
  process.exitCode = isRight ? 0 : 1

  for (const worker of workers) worker.kill()
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  removeTables()
}

await (cluster.isPrimary ? lead() : serve())
