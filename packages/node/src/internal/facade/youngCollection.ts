import { builtins } from "./builtins.ts"
import { isNode } from "./runtime.ts"

type Collect = (options: { readonly type: "minor" }) => void

/**
 * Makes a function that collects the young generation; one that does nothing where V8 cannot be told to.
 *
 * V8 gives `gc` to the contexts that are made while its flag `--expose-gc` is set. So a context is made for it, which keeps
 * 170 KB; the program and later contexts do not see the function.
 */
export const makeYoungCollection = (): () => void => {
  if (!isNode) return () => {}
  const { v8, vm } = builtins
  const wasExposed = "gc" in globalThis
  v8.setFlagsFromString("--expose-gc")
  const collect: Collect | undefined = vm.runInNewContext("globalThis.gc")
  if (!wasExposed) v8.setFlagsFromString("--no-expose-gc")
  return () => collect?.({ type: "minor" })
}
