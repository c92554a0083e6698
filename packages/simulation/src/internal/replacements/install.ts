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

/** Whether a run can turn the event loop of the platform. */
export const hasEventLoop: boolean = shared.storage !== undefined && process?._tickCallback !== undefined

/** Replaces globals during a run. Returns a function that restores them. */
export const replaceGlobals = (): () => void =>
  install("runs", (replace) => {
    replaceTime(replace)
    replaceChance(replace)
    replaceTimers(replace)
    replaceAbortSignal(replace)
    replaceMicrotasks(replace)
  })

/** Replaces exports of Node's modules for good, because programs keep what they have imported. */
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
  // node:http2 takes long to load, so it is left alone until the program has loaded it.
  const hasHttp2 = !shared.patches.has("http2") && process?.moduleLoadList?.includes("NativeModule http2") === true
  if (hasHttp2) install("http2", replaceHttp2Date)
  if (!isFirst && !hasHttp2) return
  const module = builtin("node:module") as { readonly syncBuiltinESMExports: () => void } | undefined
  module?.syncBuiltinESMExports()
}
