// `node scripts/run.mjs COMMAND [ARGUMENT…]` runs a command with all dependencies installed and their `node` first on the
// PATH. Every script of package.json goes through here, so that a fresh clone needs no setup. The variable SLUICE_NODE
// names another Node to use: `SLUICE_NODE=$(command -v node) npm test`.
import { delimiter, join } from "node:path"
import { endAs, run } from "./child.mjs"
import { binaries, install, root } from "./install.mjs"

const [command, ...args] = process.argv.slice(2)
const env = {
  // Caches compiled modules and stripped types, so that programs start faster.
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compile"),
  ...process.env,
  PATH: [binaries, process.env.PATH].join(delimiter)
}
// Older versions of Node warn of experiments that are stable in later ones, and tests compare what programs print.
if (env.SLUICE_NODE !== undefined) {
  env.NODE_OPTIONS = [env.NODE_OPTIONS, "--disable-warning=ExperimentalWarning"].filter(Boolean).join(" ")
}

await install()
endAs(await run(command, args, { env, stdio: "inherit" }))
