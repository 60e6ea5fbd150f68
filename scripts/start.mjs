/**
 * `npm start`: makes the checkout ready, then runs `hearth serve` with the given arguments.
 *
 * The node runs in this very process: signals, input and the exit code need no forwarding.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureReady, main, ROOT } from './setup.mjs'

await main(async () => {
  ensureReady()
  const command = join(ROOT, 'dist/cli/main.js')
  process.argv = [process.execPath, command, 'serve', ...process.argv.slice(2)]
  await import(pathToFileURL(command).href)
})
