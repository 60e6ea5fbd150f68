/**
 * Where a flag's value comes from: the command line, else its `HEARTH_*` variable, else the file of `--config`,
 * else its default. So it is for every flag of every command. A variable of a flag without a value is true or false
 * (1 or 0, yes or no, on or off; empty as if it were not there).
 *
 * The file is JSON, one object, its names those of the flags without the dashes:
 * `{ "resp-port": 6380, "socket-workers": 2, "insecure": false }`. One file (`HEARTH_CONFIG`) may serve all commands:
 * a name that another command has is passed over. One that no command has is an error, so that a slip does not go
 * unnoticed.
 */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from './exit.js'

/** A flag with its variable: `--resp-port <n>` is also `HEARTH_RESP_PORT`. */
export function setting(flags: string, description: string): Option {
  return withVariable(new Option(flags, description))
}

function withVariable(option: Option): Option {
  return option.env(`HEARTH_${option.name().toUpperCase().replaceAll('-', '_')}`)
}

/** Gives every flag of `command`, and of the commands below it, its variable, and each of them `--config`. */
export function withSettings(command: Command): Command {
  for (const child of command.commands) withSettings(child)
  if (command.commands.length > 0) return command
  for (const option of command.options) if (option.envVar === undefined) withVariable(option)
  return optionOf(command, 'config') === undefined ? withConfigFile(command) : command
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
      applyVariables(command)
      const path: unknown = command.getOptionValue('config')
      if (typeof path === 'string') applyFile(command, path)
    })
}

const YES: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on'])
const NO: ReadonlySet<string> = new Set(['false', '0', 'no', 'off', ''])

/**
 * What commander does not read of the variables: those that {@link withSettings} has given, and what one of a flag without a
 * value says, since commander takes that for given as soon as its variable is there.
 */
function applyVariables(command: Command): void {
  for (const option of command.options) {
    const name = option.envVar ?? ''
    const text = process.env[name]
    const key = option.attributeName()
    const source = command.getOptionValueSource(key)
    if (text === undefined || source === 'cli') continue
    if (!takesText(option)) applySwitch(command, option, text)
    else if (source !== 'env') command.setOptionValueWithSource(key, textValue(option, text, name), 'env')
  }
}

function applySwitch(command: Command, option: Option, text: string): void {
  const key = option.attributeName()
  const said = text.toLowerCase()
  if (YES.has(said)) command.setOptionValueWithSource(key, !option.negate, 'env')
  else if (!NO.has(said)) throw new UsageError(`${option.envVar} is true or false, not "${text}"`)
  // With `--svg <folder>` beside it, `--no-svg` that is not said leaves what that one says.
  else if (command.options.every((other) => other === option || other.attributeName() !== key))
    command.setOptionValueWithSource(key, option.negate, said === '' ? 'default' : 'env')
}

function takesText(option: Option): boolean {
  return option.required || option.optional
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
  let top = command
  while (top.parent !== null) top = top.parent
  return hasOption(top, name)
}

function hasOption(command: Command, name: string): boolean {
  return optionOf(command, name) !== undefined || command.commands.some((child) => hasOption(child, name))
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
  if (!takesText(option)) {
    if (typeof value !== 'boolean') throw new UsageError(`${path}: "${name}" is true or false`)
    return option.negate ? !value : value
  }
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new UsageError(`${path}: "${name}" is a text or a number`)
  }
  return textValue(option, String(value), `${path}: "${name}"`)
}

/** `place` is where the text stands, for messages. */
function textValue(option: Option, text: string, place: string): unknown {
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    throw new UsageError(`${place} is one of ${option.argChoices.join(', ')}`)
  }
  try {
    // Commander keeps the parser of an option with choices, too; without one the text is the value.
    return option.parseArg === undefined ? text : option.parseArg(text, undefined)
  } catch (error) {
    throw new UsageError(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
