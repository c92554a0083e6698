import { builtins } from "./builtins.ts"

type Collect = (options: { readonly type: "minor" }) => void

/**
 * Makes a function that collects the young generation; one that does nothing where V8 cannot be told to.
 *
 * V8 gives `gc` to the contexts that are made while its flag `--expose-gc` is set. So a context is made for it, which keeps
 * 170 KB. The flag stays as the program has it, which may have set it for itself.
 */
export const makeYoungCollection = (): () => void => {
  const { v8, vm } = builtins
  const take = (): Collect | undefined => vm.runInNewContext("globalThis.gc")
  let collect = take()
  if (collect === undefined) {
    v8.setFlagsFromString("--expose-gc")
    collect = take()
    v8.setFlagsFromString("--no-expose-gc")
  }
  return () => collect?.({ type: "minor" })
}
