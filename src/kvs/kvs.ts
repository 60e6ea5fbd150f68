/** `hearthkv/kvs`: the calls of original 002. */
export { KVSClient, type KVSClientOptions } from './kvs-client.js'
export { KVSServer, type KVSServerOptions } from './kvs-server.js'
export { KVS_OPERATION, KVS_STATUS, type KvsOperation, type KvsStatus, type TaskResult } from './outcome.js'
