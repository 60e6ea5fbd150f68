/**
 * What a file of bin/ does: makes the checkout ready if that has never been done, then runs a program of `src/cli` in
 * this very process. A checkout that was changed since is built by `npm run build`.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureReady, main, ROOT } from './setup.mjs'

/** @param {string} name of the program: `src/cli/NAME.ts` */
export async function runCommand(name) {
  const program = join(ROOT, 'dist/cli', `${name}.js`)
  await main(async () => {
    if (!existsSync(program)) ensureReady()
    await import(pathToFileURL(program).href)
  })
}
