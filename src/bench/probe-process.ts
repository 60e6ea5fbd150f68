/** The program of a child process that runs one probe: a measurement of Hearth alone, or of two things by turns. */
import { childRequest, reportResult } from './child.js'
import type { ProbeName, ProbeRequests } from './probe.js'
import { probeDecoded } from './probes/decoded.js'
import { probeEviction } from './probes/eviction.js'
import { probeFlood } from './probes/flood.js'
import { probeGrowth } from './probes/growth.js'
import { probeMemory } from './probes/memory.js'

type AnyRequest = {
  [Name in ProbeName]: { readonly name: Name; readonly request: ProbeRequests[Name] }
}[ProbeName]

function run(asked: AnyRequest): unknown {
  switch (asked.name) {
    case 'decoded':
      return probeDecoded(asked.request)
    case 'eviction':
      return probeEviction(asked.request)
    case 'flood':
      return probeFlood(asked.request)
    case 'growth':
      return probeGrowth(asked.request)
    case 'memory':
      return probeMemory(asked.request)
  }
}

reportResult(run(childRequest() as AnyRequest))
