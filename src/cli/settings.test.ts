import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { Command } from 'commander'
import { wholeNumber, withSettings } from './settings.js'

const directory = mkdtempSync(join(tmpdir(), 'hearth-settings-'))
after(() => rmSync(directory, { recursive: true }))

type Variables = Readonly<Record<string, string>>

/** What a command with flags of every kind is told, given these variables and arguments. */
function told(variables: Variables, ...args: string[]): Record<string, unknown> {
  let options: Record<string, unknown> = {}
  const show = new Command('show')
    .option('--json')
    .option('--no-pictures')
    .option('--svg <folder>')
    .option('--no-svg')
    .option('--rounds <n>', '', wholeNumber(1, 9), 3)
    .action((given: Record<string, unknown>) => {
      options = given
    })
  const other = new Command('other').option('--speed <n>')
  const program = new Command('hearth')
  for (const command of [show, new Command('group').addCommand(other)])
    program.addCommand(withSettings(command))
  const before = { ...process.env }
  Object.assign(process.env, variables)
  try {
    program.exitOverride().parse(['show', ...args], { from: 'user' })
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name]
    Object.assign(process.env, before)
  }
  return options
}

function file(settings: object): string {
  const path = join(directory, 'settings.json')
  writeFileSync(path, JSON.stringify(settings))
  return path
}

it('a variable of a flag without a value says whether it is given', () => {
  for (const yes of ['true', '1', 'YES', 'on']) assert.equal(told({ HEARTH_JSON: yes })['json'], true)
  for (const no of ['false', '0', 'No', 'off', '']) assert.equal(told({ HEARTH_JSON: no })['json'], false)
  assert.equal(told({ HEARTH_NO_PICTURES: 'true' })['pictures'], false)
  for (const no of ['false', '']) assert.equal(told({ HEARTH_NO_PICTURES: no })['pictures'], true)
  assert.throws(() => told({ HEARTH_JSON: 'perhaps' }), /HEARTH_JSON is true or false, not "perhaps"/)
})

it('a flag that is not said leaves its twin with a value as it was', () => {
  assert.equal(told({ HEARTH_NO_SVG: 'false' })['svg'], undefined)
  assert.equal(told({ HEARTH_NO_SVG: 'true' })['svg'], false)
  assert.equal(told({ HEARTH_SVG: 'docs' })['svg'], 'docs')
  assert.equal(told({ HEARTH_NO_SVG: 'true' }, '--svg', 'docs')['svg'], 'docs')
})

it('every flag has its variable and its name in the file; the command line is stronger, then the variable', () => {
  const path = file({ rounds: 5, json: true, speed: 1 })
  assert.deepEqual([told({}, '--config', path)['rounds'], told({}, '--config', path)['json']], [5, true])
  assert.equal(told({ HEARTH_ROUNDS: '6', HEARTH_CONFIG: path })['rounds'], 6)
  assert.equal(told({ HEARTH_ROUNDS: '6', HEARTH_CONFIG: path }, '--rounds', '7')['rounds'], 7)
  assert.equal(told({ HEARTH_JSON: 'false', HEARTH_CONFIG: path })['json'], false)
  assert.equal(told({ HEARTH_JSON: '', HEARTH_CONFIG: path })['json'], true)
  assert.throws(() => told({ HEARTH_ROUNDS: 'x' }), /HEARTH_ROUNDS/)
  assert.throws(() => told({}, '--config', file({ sped: 1 })), /no setting "sped"/)
})
