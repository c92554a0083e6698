/**
 * `npm run site` builds the website, `npm run site:serve` shows it on loopback (`-- --port 8080`), and `npm run site:check`
 * builds and checks it. The first run installs the dependencies of the site, which the default installation leaves out.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { endAs, run } from "../scripts/child.mjs"
import { installIn, root } from "../scripts/install.mjs"
import { dist, serve } from "./server.ts"

const [command, ...args] = process.argv.slice(2)

const optionIn = (name: string, otherwise: string) => {
  const index = args.indexOf(`--${name}`)
  return index < 0 ? otherwise : args[index + 1] ?? otherwise
}

await installIn("site")
switch (command) {
  case "build":
    await import("./build.ts")
    console.log("built site/dist; npm run site:serve shows it")
    break
  case "serve": {
    if (!existsSync(dist)) await import("./build.ts")
    const { url } = await serve(Number(optionIn("port", "4173")))
    console.log(`listening on ${url}`)
    break
  }
  case "check": {
    if (args.includes("--built")) args.splice(args.indexOf("--built"), 1)
    else await import("./build.ts")
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const command = [vitest, "run", "--root", join(import.meta.dirname, "check"), "--testTimeout=120000", ...args]
    endAs(await run(process.execPath, command, { stdio: "inherit" }))
    break
  }
  default:
    console.error("site: unknown command; use build, serve or check")
    process.exitCode = 2
}
