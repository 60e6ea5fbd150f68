import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type ErrorCode, isOperationError, type Outcome } from '../base/errors.js'
import { MapStore } from '../store/map-store.js'
import { CarrierService } from './carrier-service.js'

it('what the writer refuses keeps its code and its outcome, in whichever words Redis has for it', async () => {
  const refusals: readonly [line: string, code: ErrorCode, message: RegExp, outcome?: Outcome][] = [
    ["OOM command not allowed when used memory > 'maxmemory'.", 'FULL', /^FULL: no memory/],
    ['MISCONF DISK_FULL: the log takes no more bytes', 'DISK_FULL', /^DISK_FULL: the log takes/],
    ['MISCONF LOG_FAILED: a sync failed', 'LOG_FAILED', /^LOG_FAILED: a sync failed$/],
    ['MISCONF LOG_FAILED: a sync failed (outcome unknown)', 'LOG_FAILED', /: a sync failed$/, 'unknown'],
    ['TIMEOUT others were faster', 'TIMEOUT', /^TIMEOUT: others were faster$/],
    ['ERR the value is too long', 'REFUSED', /^REFUSED: the value is too long$/],
  ]
  for (const [line, code, message, outcome = 'not-applied'] of refusals) {
    const service = new CarrierService({
      carrier: {
        send: (_args, _protocol, replied) => {
          queueMicrotask(() => replied(Buffer.from(`-${line}\r\n`)))
          return true
        },
        whenRoom: () => {},
      },
      store: new MapStore(),
      flush: () => {},
      stats: () => [],
    })
    await assert.rejects(service.put(Buffer.from('k'), Buffer.from('v')), (error: Error) => {
      assert.ok(isOperationError(error, code), line)
      assert.match(error.message, message)
      assert.equal(error.outcome, outcome, line)
      return true
    })
  }
})
