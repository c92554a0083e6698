// `node scripts/run.mjs COMMAND [ARGUMENT…]` runs a command with all dependencies installed and their `node` first on the
// PATH. Every script of package.json goes through here, so that a fresh clone needs no setup. The variable SLUICE_NODE
// names another Node to use: `SLUICE_NODE=$(command -v node) npm test`.
import { delimiter } from "node:path"
import { endAs, run } from "./child.mjs"
import { binaries, install } from "./install.mjs"

const [command, ...args] = process.argv.slice(2)
const PATH = [binaries, process.env.PATH].join(delimiter)

await install()
endAs(await run(command, args, { env: { ...process.env, PATH }, stdio: "inherit" }))
