/** `hearth stats`: what the node says of itself with INFO, a `name: value` line each. */
import { Command } from 'commander'
import { type NodeAddress, withClient, withNodeAddress } from './node-address.js'
import { printJson, printLines } from './output.js'

const FACT = /^([^#:][^:]*):(.*)$/

function factsOf(info: string): [string, string | number][] {
  const facts: [string, string | number][] = []
  for (const line of info.split('\r\n')) {
    const [, name, value] = FACT.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    facts.push([name, /^\d{1,15}$/.test(value) ? Number(value) : value])
  }
  return facts
}

export function statsCommand(): Command {
  return withNodeAddress(new Command('stats').description('print what the node counts'))
    .option('--json', 'as one JSON object')
    .action(async (options: NodeAddress & { json?: true }) => {
      const facts = factsOf(String(await withClient(options, (client) => client.call('INFO'))))
      if (options.json === true) printJson(Object.fromEntries(facts))
      else await printLines(facts.map(([name, value]) => `${name}: ${value}`))
    })
}
