import { codecs, SharedMap } from 'hearthkv'

const sessions = SharedMap.open('sessions', { capacity: '64MiB', values: codecs.json() })
sessions.compute('s1', (session) => ({ user: 'ada', visits: (session?.visits ?? 0) + 1 }))
console.log(sessions.get('s1')) // { user: 'ada', visits: 1 }; of the second process that runs this, 2
sessions.close()
