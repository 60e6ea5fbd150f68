/**
 * `hearth doctor`: does this machine have what Hearth needs, and what is to be done where it does not? What could end the
 * process is tried in one of its own. Exit code 1 if something does not work here; what is merely slower or risky is said,
 * and is none.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { shmDirectory } from '../memory/region-name.js'
import { bad, type Finding, findingLines, good } from './doctor-finding.js'
import {
  type DirectoryFacts,
  judgeDirectory,
  judgeHugePages,
  judgeMemoryLimit,
  judgeNode,
  judgePlatform,
  memoryLimitOf,
  mountOptionsOf,
} from './doctor-system.js'
import { answerNo } from './exit.js'
import { printJson, printLines } from './output.js'

const PROBE = fileURLToPath(new URL('./doctor-probe.js', import.meta.url))
const PROBE_TIMEOUT_MS = 20_000

/** What is tried, and what it means if it fails. */
const PROBES = [
  {
    probe: 'koffi',
    subject: 'koffi',
    advice: 'Named tables and servers need it: npm install koffi, and npm without --omit=optional.',
  },
  {
    probe: 'mapping',
    subject: 'mapping',
    advice: 'Named tables need a file system that can be mapped and has room: see shared memory above.',
  },
  {
    probe: 'futex',
    subject: 'futex',
    advice:
      'Processes could not wait for each other: allow the system call futex (a seccomp profile forbids it?).',
  },
  {
    probe: 'locks',
    subject: 'kernel locks',
    advice:
      'The death of a process could not be told: use a file system with locks of open files, such as tmpfs.',
  },
] as const

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('try what Hearth needs of this machine, and say what to do')
    .option('--json', 'one JSON object for each finding, one a line')
    .action(async (options: { json?: true }) => {
      const findings = await examine()
      if (findings.some(({ verdict }) => verdict === 'bad')) answerNo()
      if (options.json === true) for (const finding of findings) printJson(finding)
      else await printLines([...findings.flatMap(findingLines), '', summaryOf(findings)])
    })
}

export async function examine(): Promise<Finding[]> {
  const directory = directoryFacts(shmDirectory())
  const system = [
    judgeNode(process.versions.node),
    judgePlatform(platform(), arch()),
    judgeDirectory(directory),
  ]
  if (platform() !== 'linux') return system
  return [
    ...system,
    judgeMemoryLimit(memoryLimitOf(memoryLimit()), directory.sizeBytes ?? 0),
    ...(await tryProbes(directory)),
    judgeHugePages(
      contentOf('/sys/kernel/mm/transparent_hugepage/enabled'),
      contentOf('/sys/kernel/mm/transparent_hugepage/shmem_enabled'),
    ),
  ]
}

/** One after the other, since some of them are about time. */
async function tryProbes({ path, trouble }: DirectoryFacts): Promise<Finding[]> {
  const findings: Finding[] = []
  const scratch = trouble === undefined ? mkdtempSync(join(path, 'hearth-doctor-')) : undefined
  try {
    for (const each of PROBES) {
      if (each.probe === 'koffi' || scratch !== undefined)
        findings.push(await tryProbe(each, join(scratch ?? '/', each.probe)))
    }
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  }
  return findings
}

function tryProbe({ probe, subject, advice }: (typeof PROBES)[number], path: string): Promise<Finding> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROBE, probe, path],
      { timeout: PROBE_TIMEOUT_MS },
      (error, stdout, stderr) => {
        if (error === null) return resolve(good(subject, stdout.trim()))
        const ended = error.killed === true ? 'took too long' : `was ended by ${error.signal}`
        const trouble = error.signal ? `the probe ${ended}` : stderr.trim() || error.message
        resolve(bad(subject, trouble, advice))
      },
    )
  })
}

function directoryFacts(path: string): DirectoryFacts {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const { type, bsize, blocks, bavail } = statfsSync(path)
    const mountOptions = mountOptionsOf(contentOf('/proc/self/mountinfo') ?? '', path)
    const facts = { path, type, sizeBytes: blocks * bsize, freeBytes: bavail * bsize }
    return mountOptions === undefined ? facts : { ...facts, mountOptions }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return {
      path,
      trouble: code === 'ENOENT' ? 'it is not there' : code === 'EACCES' ? 'no right to write' : String(code),
    }
  }
}

/** Of the control group, of either version. */
function memoryLimit(): string | undefined {
  return contentOf('/sys/fs/cgroup/memory.max') ?? contentOf('/sys/fs/cgroup/memory/memory.limit_in_bytes')
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function summaryOf(findings: readonly Finding[]): string {
  const broken = findings.filter(({ verdict }) => verdict === 'bad').length
  const weak = findings.filter(({ verdict }) => verdict === 'poor').length
  if (broken + weak === 0) return 'All is well.'
  const parts = [
    ...(broken === 0 ? [] : [`${broken} of ${findings.length} keep Hearth from working in full`]),
    ...(weak === 0 ? [] : [`${weak} could be better`]),
  ]
  return `${parts.join(', ')}.`
}
