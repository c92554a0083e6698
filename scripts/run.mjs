// `node scripts/run.mjs COMMAND [ARGUMENT…]` runs a command with all dependencies installed, and with the `node` among
// them first on the PATH. Every script of package.json goes through here, so that a fresh clone needs no set-up.
import { delimiter } from "node:path"
import { endAs, run } from "./child.mjs"
import { binaries, install } from "./install.mjs"

const [command, ...args] = process.argv.slice(2)
const PATH = [binaries, process.env.PATH].join(delimiter)

await install()
endAs(await run(command, args, { env: { ...process.env, PATH }, stdio: "inherit" }))
