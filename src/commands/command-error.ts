/** How a command says no. */

/** An answer of `-ERR …` (or another code) that ends the command: `message` is the whole line. Nothing has changed. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
