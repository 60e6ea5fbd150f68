import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { UsageError } from './exit.js'
import { KV_DEFAULTS, parseKvConfig, readKvConfig } from './kv-config.js'

const FILE = new URL('../../bin/kv_config.conf', import.meta.url)

describe('the config file of kv_server', () => {
  test('has the defaults of the original where it says nothing', () => {
    assert.deepEqual(parseKvConfig('', 'x'), KV_DEFAULTS)
    assert.deepEqual(parseKvConfig('# nothing\n\n  \t\r\n', 'x'), KV_DEFAULTS)
  })

  test('that comes with kv_server names every setting with its default', () => {
    const text = readFileSync(FILE, 'utf8')
    assert.deepEqual(parseKvConfig(text, 'x'), KV_DEFAULTS)
    for (const name of Object.keys(KV_DEFAULTS)) assert.match(text, new RegExp(`^${name}=`, 'm'))
  })

  test('takes blanks, comments and either line end', () => {
    const config = parseKvConfig(
      ' server_port = 0 # any\r\nsync_wal=false\nwal_file = my data/log\nmax_value_size=1\n',
      'x',
    )
    assert.deepEqual(config, {
      ...KV_DEFAULTS,
      server_port: 0,
      sync_wal: false,
      wal_file: 'my data/log',
      max_value_size: 1,
    })
  })

  test('refuses a slip with file and line', () => {
    const wrong: readonly (readonly [text: string, reason: RegExp])[] = [
      ['\nserver_prt=1', /^kv\.conf line 2: there is no setting "server_prt"; there are num_segments, /],
      ['__proto__=1', /line 1: there is no setting "__proto__"/],
      ['constructor=1', /there is no setting "constructor"/],
      ['server_port', /a setting is name=value, not "server_port"/],
      ['=1', /there is no setting ""/],
      ['server_port=', /"server_port" is a whole number from 0 to 65535, not ""/],
      ['server_port=65536', /from 0 to 65535, not "65536"/],
      ['server_port=1e3', /not "1e3"/],
      ['server_port=0x10', /not "0x10"/],
      ['server_port=-1', /not "-1"/],
      ['max_key_size=0', /from 1 to 65536/],
      ['max_value_size=67108865', /from 1 to 67108864/],
      ['max_connections=1.5', /whole number/],
      ['num_segments=many', /whole number/],
      ['sync_wal=yes', /"sync_wal" is true or false, not "yes"/],
      ['wal_file=', /"wal_file" is a name of a directory/],
      ['sync_wal=true\nsync_wal=true', /line 2: "sync_wal" is given twice/],
    ]
    for (const [text, reason] of wrong) {
      assert.throws(
        () => parseKvConfig(text, 'kv.conf'),
        (error) => error instanceof UsageError && reason.test(error.message),
        text,
      )
    }
    assert.throws(() => readKvConfig('/none/kv.conf'), UsageError)
  })
})
