/**
 * Where a flag's value comes from: the command line, else its `HEARTH_*` variable, else the file of `--config`,
 * else its default. The file is JSON, one object, its names those of the flags without the dashes:
 * `{ "resp-port": 6380, "socket-workers": 2, "insecure": false }`. One file (`HEARTH_CONFIG`) may serve all commands:
 * a name that another command has is passed over. One that no command has is an error, so that a slip does not go
 * unnoticed.
 */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from './exit.js'

/** A flag with its variable: `--resp-port <n>` is also `HEARTH_RESP_PORT`. */
export function setting(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.env(`HEARTH_${option.name().toUpperCase().replaceAll('-', '_')}`)
}

/** For an option: a whole number in a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}

/** Gives `command` the flag `--config`, read before its action runs. */
export function withConfigFile(command: Command): Command {
  return command
    .addOption(setting('--config <file>', 'JSON file with settings, named as the flags are'))
    .hook('preAction', () => {
      const path: unknown = command.getOptionValue('config')
      if (typeof path === 'string') applyFile(command, path)
    })
}

function applyFile(command: Command, path: string): void {
  for (const [name, value] of readSettings(path)) {
    const option = name === 'config' ? undefined : optionOf(command, name)
    if (option === undefined) {
      if (name !== 'config' && isOfAnother(command, name)) continue
      throw new UsageError(`${path}: there is no setting "${name}"`)
    }
    const key = option.attributeName()
    const source = command.getOptionValueSource(key)
    if (source === 'cli' || source === 'env') continue
    command.setOptionValueWithSource(key, settingValue(option, name, value, path), 'config')
  }
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find((option) => option.name() === name || option.long === `--${name}`)
}

function isOfAnother(command: Command, name: string): boolean {
  return command.parent?.commands.some((other) => optionOf(other, name) !== undefined) === true
}

function readSettings(path: string): [string, unknown][] {
  if (path === '') throw new UsageError('--config (or HEARTH_CONFIG) names no file')
  let settings: unknown
  try {
    settings = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new UsageError(`${path}: settings are one JSON object`)
  }
  return Object.entries(settings)
}

/** The value as the flag would have it: checked by the same rules as on the command line. */
function settingValue(option: Option, name: string, value: unknown, path: string): unknown {
  const takesText = option.required || option.optional
  if (!takesText) {
    if (typeof value !== 'boolean') throw new UsageError(`${path}: "${name}" is true or false`)
    return option.negate ? !value : value
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new UsageError(`${path}: "${name}" is a text or a number`)
  }
  const text = String(value)
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    throw new UsageError(`${path}: "${name}" is one of ${option.argChoices.join(', ')}`)
  }
  try {
    // Commander keeps the parser of an option with choices, too; without one the text is the value.
    return option.parseArg === undefined ? text : option.parseArg(text, undefined)
  } catch (error) {
    throw new UsageError(`${path}: "${name}": ${error instanceof Error ? error.message : String(error)}`)
  }
}
