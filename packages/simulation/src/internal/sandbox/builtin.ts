/** What a run needs of the platform. On a platform without modules of Node, programs run synchronously. */
interface Process {
  readonly getBuiltinModule?: (name: string) => unknown
  readonly nextTick?: (callback: () => void) => void
  /** Runs the ticks and microtasks that wait, as Node does after each callback. */
  readonly _tickCallback?: () => void
}

export const process = (globalThis as { readonly process?: Process }).process

/** A module of the platform, if it has it. */
export const builtin = (name: string): unknown => process?.getBuiltinModule?.(name)
