/** `npm run pack:test`: tests the packages as they are published. */
import { join } from "node:path"
import { endAs, run } from "../child.mjs"
import { installIn, root } from "../install.mjs"

await installIn("scripts/pack")
const modules = join(root, "node_modules")
const compiler = [join(modules, "typescript/bin/tsc"), "--project", import.meta.dirname]
const checked = await run(process.execPath, compiler, { stdio: "inherit" })
if (checked.code !== 0) endAs(checked)
const vitest = join(modules, "vitest/vitest.mjs")
const options = ["--root", import.meta.dirname, "--testTimeout=120000"]
endAs(await run(process.execPath, [vitest, "run", ...options, ...process.argv.slice(2)], { stdio: "inherit" }))
