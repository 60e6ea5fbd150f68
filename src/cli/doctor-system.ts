/**
 * What `hearth doctor` concludes from what the system says of itself: no probe here can end the process. Each function takes
 * what was read, so that tests can show what it makes of other machines.
 */
import { GIB, MIB } from '../base/limits.js'
import { formatSize } from '../base/size.js'
import { bad, type Finding, good, poor } from './doctor-finding.js'

/** The first release of each line of Node with a fix for CVE-2026-21717 (floods of keys whose hashes collide in V8). */
const FIXED: Readonly<Record<number, readonly [minor: number, patch: number]>> = {
  20: [20, 2],
  22: [22, 2],
  24: [14, 1],
}
const NEWEST_LINE = 24
const LEAST: readonly [major: number, minor: number] = [20, 19]
/** With less there is no room for a table of default size and its neighbours. */
const LEAST_FREE_BYTES = 128 * MIB
export const TMPFS_MAGIC = 0x01021994

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const found = `v${version}`
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]))
    return bad('Node.js', `${found} is too old`, `Install ${LEAST.join('.')} or later.`)
  const fixed = FIXED[major]
  const isFixed =
    fixed === undefined ? major > NEWEST_LINE : minor > fixed[0] || (minor === fixed[0] && patch >= fixed[1])
  if (isFixed) return good('Node.js', found)
  const floors = Object.entries(FIXED).map(([line, rest]) => [line, ...rest].join('.'))
  return poor(
    'Node.js',
    `${found} lacks the fix of CVE-2026-21717: strangers can choose keys that slow the process down`,
    `Install ${floors.join(', ')} or later.`,
  )
}

export function judgePlatform(platform: string, arch: string): Finding {
  const found = `${platform} on ${arch}`
  if (platform !== 'linux')
    return bad(
      'system',
      found,
      'Named tables and servers need Linux; new SharedMap() works here, for threads.',
    )
  if (arch === 'x64') return good('system', found)
  if (arch === 'arm64') return poor('system', `${found} is experimental`, 'Use x64 where it matters.')
  return bad(
    'system',
    found,
    'Named tables and servers need x64 or arm64; new SharedMap() works here, for threads.',
  )
}

export interface DirectoryFacts {
  readonly path: string
  /** Why it cannot be used; undefined if it can. */
  readonly trouble?: string
  /** Of the file system: its magic number. */
  readonly type?: number
  readonly sizeBytes?: number
  readonly freeBytes?: number
  /** As it is mounted, where the system tells. */
  readonly mountOptions?: string
}

export function judgeDirectory(facts: DirectoryFacts): Finding {
  const { path, trouble, type, sizeBytes = 0, freeBytes = 0, mountOptions } = facts
  const subject = 'shared memory'
  if (trouble !== undefined)
    return bad(
      subject,
      `${path}: ${trouble}`,
      'Mount a tmpfs there, or name another directory in HEARTH_SHM_DIR.',
    )
  const mounted = mountOptions === undefined ? '' : ` (${mountOptions})`
  const found = `${path}: ${formatSize(freeBytes)} of ${formatSize(sizeBytes)} free${mounted}`
  if (type !== TMPFS_MAGIC)
    return poor(
      subject,
      `${found}, which is no tmpfs: tables there are written to a disk again and again`,
      'Use /dev/shm, or another tmpfs by HEARTH_SHM_DIR.',
    )
  if (freeBytes >= LEAST_FREE_BYTES) return good(subject, found)
  return poor(
    subject,
    found,
    `Make it larger: docker run --shm-size=1g, or mount -o remount,size=1g ${path}; or remove tables that nobody uses ` +
      '(hearth ls, hearth rm).',
  )
}

/** `limitBytes`: of the control group; undefined for none. */
export function judgeMemoryLimit(limitBytes: number | undefined, shmBytes: number): Finding {
  if (limitBytes === undefined) return good('memory limit', 'none for this process')
  const found = `${formatSize(limitBytes)} for this container, and ${formatSize(shmBytes)} of shared memory`
  if (limitBytes > shmBytes) return good('memory limit', found)
  return poor(
    'memory limit',
    found,
    'Tables count towards the limit, and beyond it the kernel ends processes where a full table would only say FULL: ' +
      'make the shared memory smaller than the limit.',
  )
}

/** `enabled` and `shared`: the settings as the kernel shows them, the chosen one in brackets; undefined where there are none. */
export function judgeHugePages(enabled: string | undefined, shared: string | undefined): Finding {
  const chosen = chosenOf(enabled)
  const found = `${chosen ?? 'not known'} for maps of one process, ${chosenOf(shared) ?? 'not known'} for named tables`
  if (chosen === 'always' || chosen === 'madvise') return good('2 MiB pages', found)
  return poor(
    '2 MiB pages',
    found,
    'Reads of maps of 128 MiB and more are slower without them: ' +
      'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled (as root).',
  )
}

function chosenOf(setting: string | undefined): string | undefined {
  return setting === undefined ? undefined : /\[(\w+)\]/.exec(setting)?.[1]
}

/** What `/proc/self/mountinfo` says of the mount that holds `path`: its type and options, without the usual ones. */
export function mountOptionsOf(mountinfo: string, path: string): string | undefined {
  let [best, longest] = [undefined as string | undefined, -1]
  for (const line of mountinfo.split('\n')) {
    const [mount = '', superblock = ''] = line.split(' - ')
    const point = mount.split(' ')[4]?.replaceAll('\\040', ' ')
    const options = mount.split(' ')[5]
    const [type, , more] = superblock.split(' ')
    if (point === undefined || options === undefined || type === undefined || more === undefined) continue
    const holds = path === point || path.startsWith(point === '/' ? '/' : `${point}/`)
    // Of two mounts at one place, the later one is on top.
    if (!holds || point.length < longest) continue
    longest = point.length
    const all = new Set([...options.split(','), ...more.split(',')])
    for (const usual of ['rw', 'relatime', 'nosuid', 'nodev']) all.delete(usual)
    best = [type, ...all].join(', ')
  }
  return best
}

/** Limits beyond any machine's memory stand for none. */
export function memoryLimitOf(text: string | undefined): number | undefined {
  const bytes = Number(text)
  return text === undefined || !Number.isFinite(bytes) || bytes > 2 ** 20 * GIB ? undefined : bytes
}
