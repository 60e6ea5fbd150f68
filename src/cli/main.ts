#!/usr/bin/env node
/**
 * The command `hearth`: one file a command, and only the one that is asked for is loaded (all of them take four times as
 * long as the work of most). Exit codes: 0 done, 1 the answer is no (not found, exists), 2 wrong use, 3 could not.
 */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../base/version.js'
import { EXIT, reportFailure } from './exit.js'
import { endQuietlyOnClosedPipe } from './output.js'
import { withSettings } from './settings.js'

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand(),
  get: async () => (await import('./get.js')).getCommand(),
  set: async () => (await import('./set.js')).setCommand(),
  del: async () => (await import('./del.js')).delCommand(),
  insert: async () => (await import('./set.js')).insertCommand(),
  replace: async () => (await import('./set.js')).replaceCommand(),
  incr: async () => (await import('./incr.js')).incrCommand(),
  load: async () => (await import('./load.js')).loadCommand(),
  dump: async () => (await import('./dump.js')).dumpCommand(),
  scan: async () => (await import('./scan.js')).scanCommand(),
  stats: async () => (await import('./stats.js')).statsCommand(),
  stop: async () => (await import('./stop.js')).stopCommand(),
  ls: async () => (await import('./ls.js')).lsCommand(),
  rm: async () => (await import('./rm.js')).rmCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
  check: async () => (await import('./check.js')).checkCommand(),
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  'wal-dump': async () => (await import('./wal-dump.js')).walDumpCommand(),
  backup: async () => (await import('./backup.js')).backupCommand(),
  restore: async () => (await import('./backup.js')).restoreCommand(),
  workload: async () => (await import('./workload.js')).workloadCommand(),
  bench: async () => (await import('./bench.js')).benchCommand(),
}

/**
 * The command whose name is asked for. All of them where it is help that is wanted, where the name is none of theirs, and
 * with a file of settings, which may name those of any command.
 */
async function commandsFor([name, ...others]: readonly string[]): Promise<Command[]> {
  if (name === '--version' || name === '-V') return []
  const hasFile =
    process.env['HEARTH_CONFIG'] !== undefined || others.some((some) => some.startsWith('--config'))
  const isOne = name !== undefined && Object.hasOwn(COMMANDS, name) && !hasFile
  const wanted = Object.entries(COMMANDS).filter(([some]) => !isOne || some === name)
  return Promise.all(wanted.map(([, load]) => load()))
}

/** Help on what is no command (`hearth help gett`, `hearth gett --help`) would be that on everything: asks for it alone. */
function argumentsFor(commands: readonly Command[], asked: readonly string[]): readonly string[] {
  const name = asked[0] === 'help' ? asked[1] : asked[0]
  if (name === undefined || name === 'help' || name.startsWith('-')) return asked
  return commands.some((some) => some.name() === name || some.aliases().includes(name)) ? asked : [name]
}

/** Makes wrong use an exception instead of `process.exit(1)`, in every command below `command`. */
function throwOnWrongUse(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) throwOnWrongUse(child)
}

endQuietlyOnClosedPipe()
const program = new Command('hearth')
  .description('a concurrent key-value store in shared memory')
  .version(packageVersion())
  .showSuggestionAfterError()
  .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 wrong use, 3 could not.')
try {
  const asked = process.argv.slice(2)
  for (const command of await commandsFor(asked)) program.addCommand(withSettings(command))
  throwOnWrongUse(program)
  await program.parseAsync(argumentsFor(program.commands, asked), { from: 'user' })
} catch (error) {
  // Commander has said what it had to say; help and version are no failures.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error)
}
