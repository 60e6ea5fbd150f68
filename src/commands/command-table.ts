/**
 * All commands, found by name in any case. The look-up hashes the bytes of the name as sent and compares them
 * with the few commands of that hash: it makes no string, and a name like `__proto__` is simply not there.
 */
import { assert } from '../base/assert.js'
import type { Command } from './command.js'
import { connectionCommands } from './connection.js'
import { counterCommands } from './counters.js'
import { keyCommands } from './keys.js'
import { publishSubscribeCommands } from './publish-subscribe.js'
import { renameCommands } from './renames.js'
import { serverCommands } from './server.js'
import { stringCommands } from './strings.js'
import { substringCommands } from './substrings.js'
import { transactionCommands } from './transactions.js'

interface Slot {
  readonly name: Buffer
  readonly command: Command
}

const SLOTS = 256
const UPPER_A = 0x41
const UPPER_Z = 0x5a
const CASE_BIT = 0x20

function lower(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | CASE_BIT : byte
}

function slotOf(name: Uint8Array): number {
  let hash = name.length
  for (let i = 0; i < name.length; i += 1) hash = (Math.imul(hash, 31) + lower(name[i] ?? 0)) | 0
  return hash & (SLOTS - 1)
}

function isName(sent: Uint8Array, name: Buffer): boolean {
  if (sent.length !== name.length) return false
  for (let i = 0; i < sent.length; i += 1) if (lower(sent[i] ?? 0) !== name[i]) return false
  return true
}

const commands: readonly Command[] = [
  ...stringCommands,
  ...substringCommands,
  ...counterCommands,
  ...keyCommands,
  ...renameCommands,
  ...transactionCommands,
  ...publishSubscribeCommands,
  ...connectionCommands,
  ...serverCommands(() => commands),
]

const slots: readonly Slot[][] = Array.from({ length: SLOTS }, () => [])
let longest = 0
for (const command of commands) {
  assert(findCommand(Buffer.from(command.name)) === undefined, 'two commands have one name')
  slots[slotOf(Buffer.from(command.name))]?.push({ name: Buffer.from(command.name), command })
  longest = Math.max(longest, command.name.length)
}

/** The command of this name, in any case. */
export function findCommand(name: Uint8Array): Command | undefined {
  if (name.length > longest) return undefined
  const chain = slots[slotOf(name)] ?? []
  for (let i = 0; i < chain.length; i += 1) {
    const slot = chain[i]
    if (slot !== undefined && isName(name, slot.name)) return slot.command
  }
  return undefined
}

/** Every command, in no particular order. */
export function allCommands(): readonly Command[] {
  return commands
}
