import { execFileSync } from "node:child_process"
import { chownSync, existsSync, globSync } from "node:fs"
import { join } from "node:path"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { folder } from "./folder.ts"
import { type Program, spawn } from "./program.ts"

// Debian has a folder for each version.
const [binaries] = globSync("/usr/lib/postgresql/*/bin")
const isRoot = process.getuid?.() === 0

/** Whether PostgreSQL is installed here; says so when it is not. */
export const hasPostgres = binaries !== undefined && existsSync(join(binaries, "initdb"))
if (!hasPostgres) console.warn("skipped: tests with PostgreSQL, which is not installed here")

// It refuses to run as root.
const asPostgres = isRoot ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : []
const command = (name: string, args: ReadonlyArray<string>): [string, ...Array<string>] => {
  const [file, ...rest] = [...asPostgres, join(binaries!, name), ...args]
  return [file!, ...rest]
}

/** Starts PostgreSQL in a folder of its own, with a user `postgres` that needs no password. */
export const startPostgres = async (): Promise<Program & { readonly url: string }> => {
  const at = folder()
  if (isRoot) chownSync(at, ...idsOf("postgres"))
  const data = join(at, "data")
  const [init, ...initArgs] = command("initdb", ["-A", "trust", "-U", "postgres", "--no-sync", "-D", data])
  execFileSync(init, initArgs, { stdio: "ignore" })
  const port = await freePort()
  const settings = ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-k", at, "-F"]
  const [file, ...args] = command("postgres", settings)
  const server = spawn(file, args)
  await server.says(/ready to accept connections/, "stderr")
  return { ...server, url: `postgres://postgres@127.0.0.1:${port}/postgres` }
}

const idsOf = (user: string): [number, number] => {
  const id = (flag: string) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }))
  return [id("-u"), id("-g")]
}
