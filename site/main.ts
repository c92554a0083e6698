/**
 * `npm run site` builds the website, `npm run site:serve` shows it on loopback (`-- --port 8080`), and `npm run site:check`
 * builds it offline and checks it. The first run installs the dependencies of the site, which the default installation leaves out.
 */
import { spawnSync } from "node:child_process"
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

/** Builds without a network, where Linux allows it: all that the site needs is in the clone and its dependencies. */
const buildOffline = async () => {
  const isolated = ["--map-root-user", "--net"]
  if (spawnSync("unshare", [...isolated, "true"]).status !== 0) {
    console.warn("built with a network: unshare(1) is missing, or not allowed")
    await import("./build.ts")
    return
  }
  const built = await run("unshare", [...isolated, process.execPath, import.meta.filename, "build"], {
    stdio: "inherit"
  })
  if (built.code !== 0) endAs(built)
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
    else await buildOffline()
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const timeouts = ["--testTimeout=120000", "--hookTimeout=120000"]
    const command = [vitest, "run", "--root", join(import.meta.dirname, "check"), ...timeouts, ...args]
    endAs(await run(process.execPath, command, { stdio: "inherit" }))
    break
  }
  default:
    console.error("site: unknown command; use build, serve or check")
    process.exitCode = 2
}
