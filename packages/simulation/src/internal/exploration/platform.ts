/** What an exploration needs of the platform, which the simulation itself does not: threads, files and a terminal. */
interface Process {
  readonly getBuiltinModule?: (name: string) => unknown
  readonly stderr?: { readonly isTTY?: boolean; readonly write: (text: string) => unknown }
}

interface Files {
  readonly appendFileSync: (path: string, text: string) => void
}

interface System {
  readonly availableParallelism: () => number
}

/** A thread of the platform, as `node:worker_threads` has them. */
export interface Thread {
  readonly on: (event: string, listener: (value: never) => void) => unknown
  readonly postMessage: (message: unknown) => void
  readonly terminate: () => unknown
  /** Whether it keeps the process alive: from the beginning it does. */
  readonly ref: () => void
  readonly unref: () => void
}

interface Threads {
  readonly Worker: new(url: URL) => Thread
  readonly parentPort: Pick<Thread, "on" | "postMessage"> | null
}

const process = (globalThis as { readonly process?: Process }).process
const builtin = (name: string): unknown => process?.getBuiltinModule?.(name)

export const threads = (): Threads | undefined => builtin("node:worker_threads") as Threads | undefined

export const cores = (): number => (builtin("node:os") as System | undefined)?.availableParallelism() ?? 1

/** Appends to a file. Returns whether the platform has files. */
export const append = (path: string, text: string): boolean => {
  const files = builtin("node:fs") as Files | undefined
  files?.appendFileSync(path, text)
  return files !== undefined
}

/** Writes to stderr if it is a terminal. */
export const terminal = process?.stderr?.isTTY === true ? process.stderr : undefined
