import type { SpawnOptions } from "node:child_process"

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

export const run: (command: string, args: ReadonlyArray<string>, options: SpawnOptions) => Promise<Ended>
export const endAs: (ended: Ended) => void
