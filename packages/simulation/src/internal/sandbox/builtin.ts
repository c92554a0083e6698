/** What a run needs of the platform. On a platform without modules of Node, programs run synchronously. */
interface Process {
  readonly getBuiltinModule?: (name: string) => unknown
  /** The modules that are loaded: `"NativeModule http2"`. */
  readonly moduleLoadList?: ReadonlyArray<string>
  /** Runs the ticks and microtasks that wait, as Node does after each callback. */
  readonly _tickCallback?: () => void
}

export const process = (globalThis as { readonly process?: Process }).process

/** A built-in module, if the platform has it. */
export const builtin = (name: string): unknown => process?.getBuiltinModule?.(name)
