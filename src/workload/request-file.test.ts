import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { FileFault } from './file-fault.js'
import { readSolution, readWorkload } from './request-file.js'
import { KIND, RequestList } from './request-list.js'

const folder = mkdtempSync(join(tmpdir(), 'hearth-requests-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const workloadOf = (text: string): RequestList => readWorkload(fileOf('workload.txt', text))
const solve = (text: string, requests: RequestList): void =>
  readSolution(fileOf('solution.txt', text), requests)

function contentOf(list: RequestList): [number, number, number][] {
  return Array.from({ length: list.length }, (_, index) => [
    list.kindAt(index),
    list.keyAt(index),
    list.valueAt(index),
  ])
}

test('requests come out in the order of their lines, and GETs with the answers of the solution', () => {
  const requests = workloadOf('put 1 4294967295\r\n\n  get\t7 \nput 4294967295 0\nget 1')
  solve('0\n4294967295\n', requests)
  assert.deepEqual(contentOf(requests), [
    [KIND.PUT, 1, 4294967295],
    [KIND.GET, 7, 0],
    [KIND.PUT, 4294967295, 0],
    [KIND.GET, 1, 4294967295],
  ])
})

test('an empty workload is a workload', () => {
  const requests = workloadOf('\n')
  solve('', requests)
  assert.equal(requests.length, 0)
})

test('a line that is no request is refused with its number and what it says', () => {
  const cases: [string, string][] = [
    ['put 1', "a request is 'put <key> <value>' or 'get <key>', not \"put 1\""],
    ['put 1 2 3', "a request is 'put <key> <value>' or 'get <key>', not \"put 1 2 3\""],
    ['get 1 2', "a request is 'put <key> <value>' or 'get <key>', not \"get 1 2\""],
    ['get', "a request is 'put <key> <value>' or 'get <key>', not \"get\""],
    ['GET 1', "a request is 'put <key> <value>' or 'get <key>', not \"GET 1\""],
    ['putt 1 2', "a request is 'put <key> <value>' or 'get <key>', not \"putt 1 2\""],
    ['get -1', 'the key "-1" is no number'],
    ['get 1.5', 'the key "1.5" is no number'],
    ['get 0x10', 'the key "0x10" is no number'],
    ['put 1 ten', 'the value "ten" is no number'],
    ['put 4294967296 1', 'the key "4294967296" is more than 4294967295'],
    [`put 1 ${'9'.repeat(400)}`, `the value "${'9'.repeat(60)}..." is more than 4294967295`],
  ]
  for (const [line, what] of cases) {
    assert.throws(
      () => workloadOf(`put 1 2\n\n${line}\nget 1\n`),
      (error) => error instanceof FileFault && error.message.endsWith(`workload.txt line 3: ${what}`),
      line,
    )
  }
})

test('a solution that does not belong to the workload is refused', () => {
  const requests = workloadOf('put 1 2\nget 1\nget 2\n')
  assert.throws(() => solve('2\n', requests), /solution\.txt: has 1 answers, but the workload has 2 GETs$/)
  assert.throws(() => solve('2\n0\n0\n', requests), /solution\.txt line 3: the workload has only 2 GETs$/)
  assert.throws(() => solve('2\nnone\n', requests), /solution\.txt line 2: the answer "none" is no number$/)
  assert.throws(() => solve('2\n1 1\n', requests), /solution\.txt line 2: the answer "1 1" is no number$/)
})

test('a list keeps every request over many blocks, and is the same to who attaches it', () => {
  const list = new RequestList()
  const count = 600_000
  for (let index = 0; index < count; index++)
    list.push(index % 3 === 0 ? KIND.GET : KIND.PUT, index, count - index)
  list.expect(599_997, 5)
  const attached = RequestList.attach(structuredClone(list.share()))
  assert.equal(attached.length, count)
  for (const index of [0, 1, 262_143, 262_144, 524_288, 599_998]) {
    assert.equal(attached.kindAt(index), index % 3 === 0 ? KIND.GET : KIND.PUT)
    assert.equal(attached.keyAt(index), index)
    assert.equal(attached.valueAt(index), count - index)
  }
  assert.equal(attached.valueAt(599_997), 5)
  assert.throws(() => list.expect(1, 5), /only a GET/)
})
