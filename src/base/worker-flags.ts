/**
 * The flags of this process that a thread of the library is started with. A thread inherits them all, and `--input-type`, as in
 * `node --input-type=module -e "..."`, stops every thread that runs a file. Where there is one, only those flags go on that
 * say how modules are found and loaded (the rest hold for the whole process anyway, or are about the program's own file).
 *
 * Node's NODE_OPTIONS are not seen here: a thread reads them for itself.
 */

/** With their value behind '=' or as the next word. */
const LOADING: ReadonlySet<string> = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
])
const LOADING_SWITCHES: ReadonlySet<string> = new Set([
  '--preserve-symlinks',
  '--enable-source-maps',
  '--no-warnings',
])
/** The next word of each is a program or a kind of one, whatever it looks like. */
const PROGRAM: ReadonlySet<string> = new Set(['-e', '--eval', '-p', '--print', '-pe', '--input-type'])

/** For `execArgv` of a `Worker`; `undefined`: all of them. */
export function workerFlags(flags: readonly string[] = process.execArgv): string[] | undefined {
  if (!flags.some((flag) => nameOf(flag) === '--input-type')) return undefined
  const kept: string[] = []
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at] ?? ''
    if (PROGRAM.has(flag)) at += 1
    else if (LOADING_SWITCHES.has(flag)) kept.push(flag)
    else if (LOADING.has(nameOf(flag))) {
      kept.push(flag)
      if (nameOf(flag) === flag) kept.push(flags[++at] ?? '')
    }
  }
  return kept
}

/** Options for a `Worker`: to be spread into them. */
export function inheritedFlags(): { execArgv?: string[] } {
  const execArgv = workerFlags()
  return execArgv === undefined ? {} : { execArgv }
}

function nameOf(flag: string): string {
  const end = flag.indexOf('=')
  return end === -1 ? flag : flag.slice(0, end)
}
