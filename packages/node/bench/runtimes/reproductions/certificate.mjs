import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "sluice-"))
const file = (name) => join(folder, name)
const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(
  " "
)
execFileSync("openssl", [...request, "-keyout", file("key"), "-out", file("cert")], { stdio: "ignore" })

/** A certificate of its own authority, made by openssl. */
export const certificate = { key: readFileSync(file("key")), cert: readFileSync(file("cert")) }
rmSync(folder, { recursive: true })
