import { describe, expect, it } from "@effect/vitest"
import { X509Certificate } from "node:crypto"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder } from "./folder.ts"
import { run, start } from "./program.ts"

/** The commands that it prints, as arguments of the programs. */
const commandsIn = (stdout: string): ReadonlyArray<ReadonlyArray<string>> =>
  Array.from(
    stdout.replaceAll(/ \\\n +/g, " ").matchAll(/^ +npm run -s example -- (.*)$/gm),
    ([, args]) => Array.from(args!.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word)
  )

describe("certificates", () => {
  it("are an authority's, for a server and for a client, and their keys are for nobody else to read", async () => {
    const path = join(folder(), "new folder")
    const { code, stderr, stdout } = await run(["certificates", path])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(readdirSync(path).toSorted()).toEqual(["ca.pem", "client.key", "client.pem", "server.key", "server.pem"])
    const certificate = (name: string) => new X509Certificate(readFileSync(join(path, name)))
    const [authority, server, client] = [certificate("ca.pem"), certificate("server.pem"), certificate("client.pem")]
    expect(authority.ca).toBe(true)
    for (const each of [server, client]) expect(each.verify(authority.publicKey)).toBe(true)
    expect(server.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1")
    expect(client.subject).toBe("CN=client")
    for (const key of ["server.key", "client.key"]) expect(statSync(join(path, key)).mode & 0o777).toBe(0o600)

    const [serving, asking] = commandsIn(stdout)
    const running = start([...serving!, "--port", "0"])
    const [, port] = await running.says(/^Server listening on .*:(\d+)$/m)
    expect(await run([...asking!, "--port", port!])).toMatchObject({
      code: 0,
      stdout: "Server says: hello\n",
      stderr: ""
    })
  })

  it("replace none that are there, unless they are told to", async () => {
    const path = folder()
    const file = join(path, "client.key")
    writeFileSync(file, "precious", { mode: 0o644 })
    const refused = await run(["certificates", path])
    expect(refused).toMatchObject({ code: 1, stdout: "" })
    expect(refused.stderr).toBe(`${file}: already there; replace with --force\n`)
    expect(readdirSync(path)).toEqual(["client.key"])
    expect(await run(["certificates", path, "--force"])).toMatchObject({ code: 0, stderr: "" })
    expect(readFileSync(file, "utf8")).toContain("PRIVATE KEY")
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it("say in one line that they cannot be written", async () => {
    const path = join(folder(), "file")
    writeFileSync(path, "")
    const { code, stderr, stdout } = await run(["certificates", path])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^[^\n]*file[^\n]*\n$/)
  })
})
