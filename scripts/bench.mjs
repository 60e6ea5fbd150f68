/** `npm run bench`: makes ready what is needed, then runs `hearth bench table` with the given options. */
import { ensureReady } from './setup.mjs'

await ensureReady()
process.argv.splice(2, 0, 'bench', 'table')
await import('../dist/cli/main.js')
