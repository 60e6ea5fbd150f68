/**
 * Which thread sends which requests. Every request is sent by exactly one, in the order of the list.
 *
 * `evenShares` cuts the list into equal runs: the remainder of the division goes to the first threads, one each.
 *
 * `sharesByKey` gives all requests on one key to one thread. Requests of one thread are carried out in their order, so
 * every GET then has one right answer, whatever the number of threads and the window: that of the list carried out one by
 * one. This is for checked runs; with skewed keys the threads have unequal work.
 */
import { RequestList, type RequestListHandle } from './request-list.js'

/** The requests `from` to `to`, without the latter. */
export interface Share {
  readonly list: RequestListHandle
  readonly from: number
  readonly to: number
}

export function evenShares(requests: RequestList, threads: number): Share[] {
  const list = requests.share()
  const each = Math.floor(requests.length / threads)
  const rest = requests.length % threads
  const startOf = (thread: number): number => thread * each + Math.min(thread, rest)
  return Array.from({ length: threads }, (_, thread) => ({
    list,
    from: startOf(thread),
    to: startOf(thread + 1),
  }))
}

export function sharesByKey(requests: RequestList, threads: number): Share[] {
  if (threads === 1) return evenShares(requests, 1)
  const lists = Array.from({ length: threads }, () => new RequestList())
  for (let index = 0; index < requests.length; index++) {
    const key = requests.keyAt(index)
    lists[threadOf(key, threads)]!.push(requests.kindAt(index), key, requests.valueAt(index))
  }
  return lists.map((list) => ({ list: list.share(), from: 0, to: list.length }))
}

/** Spreads keys that follow each other, too (Fibonacci hashing, Knuth, TAOCP 3, 6.4). */
function threadOf(key: number, threads: number): number {
  return Math.floor(((Math.imul(key, 0x9e3779b1) >>> 0) / 2 ** 32) * threads)
}
