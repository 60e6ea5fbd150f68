/**
 * What a history run drives: a map of small integers under a few keys, numbered from 0. The real table and the
 * deliberately broken ones wear the same coat, so that the same harness judges both. A subject belongs to one thread;
 * its handle crosses to the others.
 */
import type { Register } from './linearizability.js'

export interface Subject {
  get(key: number): Register
  has(key: number): boolean
  set(key: number, value: number): void
  insert(key: number, value: number): boolean
  replace(key: number, value: number): boolean
  delete(key: number): boolean
  take(key: number): Register
  exchange(key: number, value: number): Register
  compareAndSet(key: number, expected: Register, next: number): boolean
  increment(key: number, by: number): number
  getOrInsert(key: number, value: number): number
  /** Runs `next` as the map's own read-modify-write; returns the old value it last saw. */
  compute(key: number, next: (old: Register) => Register): Register
  getMany(keys: readonly number[]): Register[]
  setMany(entries: readonly (readonly [number, number])[]): void
  clear(): void
  /** Writes and deletes entries beside the recorded ones, so that buckets grow and chunks are used again. */
  churn(random: { below(bound: number): number }): void
  /** Walks everything and throws on a broken invariant. */
  check(): void
}
