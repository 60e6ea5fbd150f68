import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { codecs, SharedMap } from 'hearthkv'

if (isMainThread) {
  const sessions = new SharedMap({ capacity: '64MiB', values: codecs.json() })
  sessions.set('s1', { user: 'ada', visits: 1 }, { ttlMs: 60_000 })
  const worker = new Worker(new URL(import.meta.url), { workerData: sessions.share() })
  worker.on('exit', () => console.log(sessions.get('s1'))) // { user: 'ada', visits: 2 }
} else {
  const sessions = SharedMap.attach(workerData, { values: codecs.json() })
  sessions.compute('s1', (session) => ({ ...session, visits: session.visits + 1 }))
}
