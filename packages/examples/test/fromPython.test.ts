import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { isThere, node, spawn } from "./program.ts"
import { workspace } from "./snippets.ts"

/** The programs of the page, by name: `echo_server.py`, `echo_server.ts`. */
const programs = new Map(
  Array.from(
    readFileSync(join(workspace, "docs/from-python.md"), "utf8").matchAll(
      /^```(?:python|ts)\n(?:#|\/\/) (\w+\.(?:py|ts))\n([\s\S]*?)^```$/gm
    ),
    ([, name = "", code = ""]) => [name, code]
  )
)

describe.skipIf(!isThere("python3", "--version"))("the programs of the page for users of Python", () => {
  const folder = mkdtempSync(join(workspace, "packages/examples/.snippets-"))
  beforeAll(() => writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" })))
  afterAll(() => rmSync(folder, { recursive: true }))

  const start = (name: string, port: number) => {
    const file = join(folder, `${port}-${name}`)
    writeFileSync(file, programs.get(name)!.replaceAll("65432", String(port)))
    return name.endsWith(".py")
      ? spawn("python3", [file])
      : spawn(node, [file], { NODE_COMPILE_CACHE: join(workspace, "node_modules/.cache/compile") })
  }

  it("are pairs", () => {
    const names = Array.from(programs.keys())
    expect(names.length).toBe(12)
    expect(
      names.map((name) => name.replace(/\.py$/, ".ts")).toSorted().filter((name, index, all) => all[index - 1] !== name)
    )
      .toEqual(names.filter((name) => name.endsWith(".ts")).toSorted())
  })

  it.each([
    ["echo_server.py", "echo_client.ts", "received Hello, world\n"],
    ["echo_server.ts", "echo_client.py", "received Hello, world\n"],
    ["shout_server.py", "echo_client.ts", "received HELLO, WORLD\n"],
    ["shout_server.ts", "echo_client.py", "received HELLO, WORLD\n"],
    ["shout_server.py", "impatient_client.ts", "no answer\n"],
    ["shout_server.ts", "impatient_client.py", "no answer\n"],
    ["udp_server.py", "udp_client.ts", "received Hello, world\n"],
    ["udp_server.ts", "udp_client.py", "received Hello, world\n"]
  ])("%s answers %s", async (server, client, output) => {
    const port = await freePort()
    await start(server, port).says(/listening/)
    expect(await start(client, port).ended).toMatchObject({ code: 0, stdout: output, stderr: "" })
  })
})
