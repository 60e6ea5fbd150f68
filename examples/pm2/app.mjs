/**
 * A server for `pm2 -i 4`: visits are counted, and sessions kept, in named tables that all instances open.
 *
 * A new release may store its sessions differently. Then its codec has another name, and `onMismatch: 'recreate'` makes
 * an empty table in the place of the old one: the instances of the old release, which still serve while pm2 reloads, find
 * theirs closed and go on without sessions until they are stopped. The counter keeps its codec, and every count.
 */
import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { codecs, isOperationError, SharedMap } from 'hearthkv'

const RELEASE = process.env.RELEASE ?? '1'
/** What a session is, in each release: layouts differ, and so do the names of their codecs. */
const RELEASES = {
  1: { codec: codecs.struct({ pages: 'uint32' }), session: (pages) => ({ pages }) },
  2: {
    codec: codecs.struct({ pages: 'uint32', seenAtMs: 'float64' }),
    session: (pages) => ({ pages, seenAtMs: Date.now() }),
  },
}
const { codec, session } = RELEASES[RELEASE]

const visits = SharedMap.open('pm2-visits', { capacity: '1MiB', values: codecs.uint32 })
const sessions = SharedMap.open('pm2-sessions', {
  capacity: '16MiB',
  values: codec,
  onMismatch: 'recreate',
})

/** @param {string} user */
function countPage(user) {
  try {
    return sessions.compute(user, (found) => session((found?.pages ?? 0) + 1)).pages
  } catch (error) {
    // The next release has taken the name over: this instance is about to be stopped.
    if (isOperationError(error, 'CLOSED')) return 0
    throw error
  }
}

const server = createServer((request, response) => {
  const user = new URL(request.url ?? '/', 'http://local').searchParams.get('user') ?? 'nobody'
  const answer = {
    release: RELEASE,
    process: process.pid,
    visits: visits.increment('all'),
    pages: countPage(user),
  }
  response.setHeader('connection', 'close').end(JSON.stringify(answer))
})
// pm2 waits for this word before it stops an old instance (wait_ready).
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => process.send?.('ready'))
// Disconnecting closes the server only after the connections that are on their way to this instance have come.
process.on('SIGINT', () => (cluster.worker === undefined ? server.close() : cluster.worker.disconnect()))
