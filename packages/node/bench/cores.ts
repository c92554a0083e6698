import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** A processor core for the server, and one for its load; `undefined` where processes cannot be bound to cores. */
export const cores: { readonly server: number; readonly load: number } | undefined = (() => {
  if (spawnSync("taskset", ["--version"]).status !== 0) return undefined
  const [server, load] = allowed()
  return server === undefined || load === undefined ? undefined : { server, load }
})()

/** The command that runs another one on one core. */
export const onCore = (core: number | undefined, command: ReadonlyArray<string>): ReadonlyArray<string> =>
  core === undefined ? command : ["taskset", "--cpu-list", String(core), ...command]

// The cores that this process may use, as in `0-3,8`.
function allowed(): Array<number> {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? ""
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number)
    return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index)
  })
}
