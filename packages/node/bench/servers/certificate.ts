import { readFileSync } from "node:fs"
import { join } from "node:path"

const read = (file: string) => readFileSync(join(import.meta.dirname, "../../tls", file), "utf8")

/** What the benchmark has made for its servers. */
export const certificate = { chain: read("chain.pem"), key: read("key.pem") }
