#!/usr/bin/env node
/**
 * The command `hearth`: one file a command. Exit codes: 0 done, 1 the answer is no (not found, exists), 2 wrong
 * use, 3 could not.
 */
import { Command, CommanderError } from 'commander'
import { packageVersion } from '../base/version.js'
import { backupCommand, restoreCommand } from './backup.js'
import { benchCommand } from './bench.js'
import { checkCommand } from './check.js'
import { delCommand } from './del.js'
import { doctorCommand } from './doctor.js'
import { dumpCommand } from './dump.js'
import { EXIT, reportFailure } from './exit.js'
import { getCommand } from './get.js'
import { incrCommand } from './incr.js'
import { inspectCommand } from './inspect.js'
import { loadCommand } from './load.js'
import { lsCommand } from './ls.js'
import { endQuietlyOnClosedPipe } from './output.js'
import { rmCommand } from './rm.js'
import { scanCommand } from './scan.js'
import { serveCommand } from './serve.js'
import { insertCommand, replaceCommand, setCommand } from './set.js'
import { statsCommand } from './stats.js'
import { stopCommand } from './stop.js'
import { walDumpCommand } from './wal-dump.js'
import { workloadCommand } from './workload.js'

const program = new Command('hearth')
  .description('a concurrent key-value store in shared memory')
  .version(packageVersion())
  .showSuggestionAfterError()
  .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no, 2 wrong use, 3 could not.')

for (const command of [
  serveCommand(),
  getCommand(),
  setCommand(),
  delCommand(),
  insertCommand(),
  replaceCommand(),
  incrCommand(),
  loadCommand(),
  dumpCommand(),
  scanCommand(),
  statsCommand(),
  stopCommand(),
  lsCommand(),
  rmCommand(),
  doctorCommand(),
  checkCommand(),
  inspectCommand(),
  walDumpCommand(),
  backupCommand(),
  restoreCommand(),
  workloadCommand(),
  benchCommand(),
]) {
  program.addCommand(command)
}

/** Makes wrong use an exception instead of `process.exit(1)`, in every command below `command`. */
function throwOnWrongUse(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) throwOnWrongUse(child)
}

throwOnWrongUse(program)
endQuietlyOnClosedPipe()
try {
  await program.parseAsync()
} catch (error) {
  // Commander has said what it had to say; help and version are no failures.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  else reportFailure(error)
}
