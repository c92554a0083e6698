/**
 * `npm run test:libraries` tests the libraries of others over Sluice, with the options of vitest. It installs them first,
 * which the default installation does without.
 */
import { join } from "node:path"
import { endAs, run } from "../scripts/child.mjs"
import { installIn, root } from "../scripts/install.mjs"

const folder = join(root, "libraries")

await installIn("libraries")
const checked = await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", folder], {
  stdio: "inherit"
})
if (checked.code !== 0) endAs(checked)
const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", folder, ...process.argv.slice(2)]
endAs(await run(process.execPath, vitest, { stdio: "inherit" }))
