import { builtin, process } from "../sandbox/builtin.ts"
import { install } from "../sandbox/patches.ts"
import { shared } from "../sandbox/place.ts"
import { replaceChance, replaceNodeChance } from "./chance.ts"
import { replaceCompletions } from "./completions.ts"
import { replaceHttp2Date, replaceHttpDate } from "./httpDate.ts"
import { replaceMicrotasks } from "./microtasks.ts"
import { replaceRefusals } from "./refusals.ts"
import { replaceTime } from "./time.ts"
import { replaceNodeTimers, replaceTimers } from "./timers.ts"
import { replaceAbortSignal, replaceTimersPromises } from "./timersPromises.ts"

/** Whether the platform has what a run needs that waits for promises. */
export const hasEventLoop: boolean = shared.storage !== undefined && process?._tickCallback !== undefined

/** Replaces globals during a run. Returns how to take that back. */
export const replaceGlobals = (): () => void =>
  install("runs", (replace) => {
    replaceTime(replace)
    replaceChance(replace)
    replaceTimers(replace)
    replaceAbortSignal(replace)
    replaceMicrotasks(replace)
  })

/** Replaces what modules of Node export, for good: programs keep what they have imported. */
export const replaceModules = (): void => {
  const isFirst = !shared.patches.has("modules")
  if (isFirst) {
    install("modules", (replace) => {
      replaceNodeChance(replace)
      replaceNodeTimers(replace)
      replaceTimersPromises(replace)
      replaceCompletions(replace)
      replaceRefusals(replace)
      replaceHttpDate(replace)
    })
  }
  // It takes long to load.
  const hasHttp2 = !shared.patches.has("http2") && process?.moduleLoadList?.includes("NativeModule http2") === true
  if (hasHttp2) install("http2", replaceHttp2Date)
  if (!isFirst && !hasHttp2) return
  const module = builtin("node:module") as { readonly syncBuiltinESMExports: () => void } | undefined
  module?.syncBuiltinESMExports()
}
