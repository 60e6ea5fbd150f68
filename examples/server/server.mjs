import { Client, Server } from 'hearthkv'

const server = await Server.start({ name: 'shop', dataDir: './shop-data' }) // durability: 'always'
const client = await Client.connect('shop') // here, or in any other process of this machine
await client.set('order 1', 'paid') // on disk when this resolves
console.log(await client.get('order 1'), client.sync.get('order 1')) // paid paid
await client.close()
await server.stop()
