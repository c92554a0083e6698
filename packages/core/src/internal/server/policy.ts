import type * as Result from "effect/Result"
import { checked, duration, oneOf, optionalDuration, optionalInteger } from "../../Options.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"

/** What a server itself does of `ServerPolicy.ServerPolicy`, validated and complete; times in milliseconds. */
export type Policy = Result.Result.Success<ReturnType<typeof checkPolicy>>

/** Validates a policy. The error has the reason `InvalidOption` and names `address`. */
export const checkPolicy = (options: ServerPolicy.ServerPolicy, address: string) =>
  checked("configure", address, () => {
    const drain = isDrainOptions(options.drain) ? options.drain : { grace: options.drain }
    return {
      maxConnections: optionalInteger("maxConnections", options.maxConnections, 1, Number.MAX_SAFE_INTEGER) ?? Infinity,
      whenFull: oneOf("whenFull", options.whenFull ?? ServerPolicy.defaults.whenFull, ["wait", "refuse"]),
      idleTimeout: optionalDuration("idleTimeout", options.idleTimeout, 1),
      readTimeout: optionalDuration("readTimeout", options.readTimeout, 1),
      writeTimeout: optionalDuration("writeTimeout", options.writeTimeout, 1),
      maxLifetime: optionalDuration("maxLifetime", options.maxLifetime, 1),
      drainGrace: duration("drain.grace", drain.grace ?? ServerPolicy.defaults.drain.grace),
      drainIdle: optionalDuration("drain.idle", drain.idle, 1)
    }
  })

const isDrainOptions = (drain: ServerPolicy.ServerPolicy["drain"]): drain is ServerPolicy.DrainOptions =>
  typeof drain === "object" && drain !== null &&
  ("grace" in drain || "idle" in drain || Object.keys(drain).length === 0)
