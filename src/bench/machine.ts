/** The one line that belongs beside every measured number: on which machine, with what, when. */
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { GIB } from '../base/limits.js'

export interface Machine {
  readonly cpuModel: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly date: string
  /** One-minute load before the run: above a fraction of a core, somebody else was working too. */
  readonly loadBefore: number
}

export function describeMachine(): Machine {
  return {
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / GIB),
    kernel: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
    loadBefore: loadavg()[0] ?? 0,
  }
}

export function machineLine(machine: Machine): string {
  const { cpuModel, cores, memoryGib, kernel, node, date, loadBefore } = machine
  return `${cpuModel}, ${cores} cores, ${memoryGib} GiB, ${kernel}, Node ${node}, load ${loadBefore.toFixed(2)}, ${date}`
}
