import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { NO_NAMED_TABLES, useScratchDirectory } from '../test/named-scratch.js'
import { Doorbell } from './doorbell.js'

/** Listens, and stops that; ends when it is told to. */
const LISTENER = `
const { once } = require('node:events')
const { readdirSync, readlinkSync } = require('node:fs')
const { parentPort, workerData: { module, path } } = require('node:worker_threads')
const descriptors = () => readdirSync('/proc/self/fd').filter((fd) => {
  try { return readlinkSync('/proc/self/fd/' + fd) === path } catch { return false }
})
import(module).then(async ({ listenTo }) => {
  const socket = listenTo(path, () => {})
  const [descriptor] = descriptors()
  socket.destroy()
  await once(socket, 'close')
  parentPort.postMessage(Number(descriptor))
  await once(parentPort, 'message')
})
`

test('the end of a thread that has listened leaves alone whose file has the number of its pipe by then', {
  skip: NO_NAMED_TABLES,
}, async (t) => {
  const path = join(useScratchDirectory(), 'bell')
  Doorbell.create(path)
  const module = new URL('./doorbell.js', import.meta.url).href
  const worker = new Worker(LISTENER, { eval: true, workerData: { module, path } })
  const [number] = (await once(worker, 'message')) as [number]
  const files: number[] = []
  // The system gives the lowest number that is free.
  while (!files.includes(number) && files.length < 100) files.push(openSync('/dev/null', 'r'))
  worker.postMessage('end')
  await once(worker, 'exit')
  if (!files.includes(number)) t.skip('somebody else was faster')
  else for (const file of files) assert.doesNotThrow(() => fstatSync(file))
  for (const file of files) closeSync(file)
})
