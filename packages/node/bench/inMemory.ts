// Measures what needs no network: framings against decoders by hand, and codecs against the packages that people use.
// `main.ts` measures servers.
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import { readOptions } from "./options.ts"

const options = readOptions("framing", { full: { rounds: 1, seconds: 0.6 }, quick: { rounds: 1, seconds: 0.1 } })

for (const file of ["framing/bench/framing.ts", "codec/bench/codec.ts"]) {
  const path = resolve(import.meta.dirname, "../..", file)
  const flags = ["--only", options.only, "--milliseconds", String(options.seconds * 400)]
  const { status } = spawnSync(process.execPath, [path, ...flags], { stdio: "inherit" })
  process.exitCode ||= status ?? 1
}
