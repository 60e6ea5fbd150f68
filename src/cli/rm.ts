/**
 * `hearth rm NAME`: takes a named table away. Its memory comes free when the last who has it open closes it; they are
 * told CLOSED at once, so a table in use is taken away only with `--force`.
 */
import { Command } from 'commander'
import { SharedMap } from '../map/shared-map.js'
import { answerNo, CouldNotError } from './exit.js'
import { tableName } from './named-table.js'

export function rmCommand(): Command {
  return new Command('rm')
    .description('take a named table away')
    .argument('<name>')
    .option('--force', 'also if threads have it open: their next operation fails with CLOSED')
    .action((name: string, options: { force?: true }) => {
      const table = SharedMap.list().find((each) => each.name === name)
      const users = table?.participants ?? 0
      // One that a server has is not taken away at all.
      if (users > 0 && table?.role === 'direct' && options.force !== true) {
        throw new CouldNotError(
          `${name} is open in ${users} ${users === 1 ? 'thread' : 'threads'}; --force takes it away from them`,
        )
      }
      if (SharedMap.unlink(tableName(name).name)) return
      process.stderr.write(`hearth: there is no table '${name}'\n`)
      answerNo()
    })
}
