/**
 * Runs one measurement in a Node process of its own and waits for its one result. Every process has its memory at
 * other places, and its code was compiled for nothing but its own contender.
 *
 * The child's program takes its request from `childRequest()`, may call `reportProgress` and ends with
 * `reportResult`. A child that fails, or takes too long and is killed, rejects with one line that says why.
 */
import { fork } from 'node:child_process'

export interface ChildOptions {
  /** Beyond it the child is killed. */
  readonly timeoutMs: number
  /** Its environment; default: this process's. */
  readonly env?: NodeJS.ProcessEnv
  /** Heap limit; default Node's own. */
  readonly heapMib?: number
  /** Parts of the whole, 0 to 1, as the child reports them. */
  readonly onProgress?: (fraction: number) => void
}

type ChildMessage = { readonly result: unknown } | { readonly fraction: number }

/** The reason is complete: it needs no stack. */
export class ChildError extends Error {
  override readonly name = 'ChildError'
}

/** Most characters of a child's complaint that are kept. */
const MOST_STDERR = 10_000

/** Runs the program at `modulePath` with `request`; its result must be what JSON can carry. */
export function runChild<Result>(
  modulePath: string,
  request: unknown,
  options: ChildOptions,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const heap = options.heapMib === undefined ? [] : [`--max-old-space-size=${options.heapMib}`]
    const child = fork(modulePath, [JSON.stringify(request)], {
      execArgv: ['--expose-gc', ...heap],
      env: options.env ?? process.env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let message: { readonly result: unknown } | undefined
    let stderr = ''
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, options.timeoutMs)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MOST_STDERR)
    })
    child.on('message', (received: ChildMessage) => {
      if ('result' in received) message = received
      else options.onProgress?.(received.fraction)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (isLate) reject(new ChildError('took longer than the limit for one pass'))
      else if (code === 0 && message !== undefined) resolve(message.result as Result)
      else reject(new ChildError(complaint(stderr) ?? `ended with ${signal ?? `code ${code}`}`))
    })
  })
}

/** The line of a stack that names the error. */
function complaint(stderr: string): string | undefined {
  return stderr.split('\n').find((line) => /^\S*(Error|FATAL)\b/.test(line))
}

/** What `runChild` was given; null in a process that it did not start. */
export function childRequest(): unknown {
  return JSON.parse(process.argv[2] ?? 'null')
}

export function reportProgress(fraction: number): void {
  process.send?.({ fraction })
}

export function reportResult(result: unknown): void {
  process.send?.({ result })
}
