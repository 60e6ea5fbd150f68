import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { OperationError } from '../base/errors.js'
import { CONTROL_VERSION, controlLine } from '../client/control-messages.js'
import { regionName } from '../memory/region-name.js'
import { controlPath } from '../memory/served-files.js'
import { LocalBus } from '../test/local-bus.js'
import { ControlServer } from './control-server.js'

it('a client that comes while the server begins waits for it, however long that takes', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-control-'))
  const name = { ...regionName('begins'), directory }
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const control = ControlServer.listenLocked(name, '0')
  try {
    const socket = connect(controlPath(name))
    await once(socket, 'connect')
    while (control.clients === 0) await new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(60_000)
    const hello = { version: CONTROL_VERSION, release: '0', process: process.pid, window: 1 } as const
    socket.write(controlLine({ kind: 'hello', ...hello }))
    control.open({
      bus: new LocalBus(),
      admit: () => Promise.reject(new OperationError('REFUSED', 'but heard')),
    })
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /but heard/)
    socket.destroy()
  } finally {
    control.close()
    rmSync(directory, { recursive: true })
  }
})
