/** The release this code belongs to, as its package says. */
import { readFileSync } from 'node:fs'

/** `version` of the package.json above `dist`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version?: unknown }
  return typeof version === 'string' ? version : '0.0.0'
}
