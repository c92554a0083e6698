import type * as Dgram from "node:dgram"
import type * as Dns from "node:dns"
import type * as Fs from "node:fs"
import type * as V8 from "node:v8"
import type * as Vm from "node:vm"

/**
 * Modules of Node, loaded on first use. An import would load them at the start of the program, with all that they load:
 * importing `node:fs` brings its streams, its promises and `node:readline`.
 */
export const builtins: {
  readonly dgram: typeof Dgram
  readonly dns: typeof Dns
  readonly fs: typeof Fs
  readonly v8: typeof V8
  readonly vm: typeof Vm
} = {
  get dgram() {
    return process.getBuiltinModule("node:dgram")
  },
  get dns() {
    return process.getBuiltinModule("node:dns")
  },
  get fs() {
    return process.getBuiltinModule("node:fs")
  },
  get v8() {
    return process.getBuiltinModule("node:v8")
  },
  get vm() {
    return process.getBuiltinModule("node:vm")
  }
}
