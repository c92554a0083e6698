import { describe, expect, it } from "@effect/vitest"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { join } from "node:path"
import { vi } from "vitest"
import { freePort } from "../../../node/test/fixtures/freePort.ts"
import { folder } from "../folder.ts"
import { connect, once, run, serve, start, stop } from "../program.ts"

const makeFolder = (...names: ReadonlyArray<string>) => {
  const above = folder()
  return Object.fromEntries(names.map((name) => {
    const path = join(above, name)
    Fs.mkdirSync(path)
    return [name, path]
  }))
}
const hasBytes = (path: string) =>
  vi.waitFor(() => expect(Fs.statSync(path).size).toBeGreaterThan(0), { timeout: 60_000, interval: 5 })
const isSame = (a: string, b: string) => Fs.readFileSync(a).equals(Fs.readFileSync(b))

describe("files", () => {
  it("sends and gets several files at once, and resumes when the server or the client is killed", async () => {
    const { mine, back, theirs } = makeFolder("mine", "back", "theirs") as Record<string, string> as {
      readonly mine: string
      readonly back: string
      readonly theirs: string
    }
    const sizes = { "a.bin": 3_000_000, "b c.bin": 300_001, "empty": 0, "big.bin": 20_000_000 }
    for (const [name, size] of Object.entries(sizes)) Fs.writeFileSync(join(mine, name), randomBytes(size))
    const three = ["a.bin", "b c.bin", "empty"]
    const paths = three.map((name) => join(mine, name))

    const server = await serve(`files server ${theirs}`, await freePort())
    const to = ["--port", String(server.port)]
    const sent = await run(["files", "send", ...paths, ...to])
    expect(sent.code).toBe(0)
    expect(sent.stdout.split("\n").sort()).toEqual([
      "",
      ...paths.map((path) => {
        const digest = createHash("sha256").update(Fs.readFileSync(path)).digest("hex")
        return `sent ${path}, SHA-256 ${digest}`
      })
    ])
    const got = await run(["files", "get", ...three, "nobody", "--to", back, ...to])
    expect(got).toMatchObject({ code: 1 })
    expect(got.stderr).toMatch(/^nobody: cannot read the file: no such file$/m)
    for (const [index, name] of three.entries()) {
      expect([name, isSame(paths[index]!, join(theirs, name)), isSame(paths[index]!, join(back, name))]).toEqual([
        name,
        true,
        true
      ])
    }

    // The server is killed when some of the file has been sent.
    const big = join(mine, "big.bin")
    const sending = start(["files", "send", big, "--limit", "20M", ...to])
    await sending.says(/big\.bin: .* of 19\.1 MiB/, "stderr")
    await hasBytes(join(theirs, "big.bin.partial"))
    await stop(server, "SIGKILL")
    await sending.says(/resumes in/, "stderr")
    expect(Fs.readdirSync(theirs)).toContain("big.bin.partial")
    expect(Fs.readdirSync(theirs)).not.toContain("big.bin")
    const again = start(["files", "server", theirs, ...to])
    expect((await sending.ended).code).toBe(0)
    expect(isSame(big, join(theirs, "big.bin"))).toBe(true)
    expect(Fs.readdirSync(theirs).sort()).toEqual(Object.keys(sizes).sort())

    // The client is killed, and run again.
    const get = ["files", "get", "big.bin", "--to", back, ...to]
    const killed = start([...get, "--limit", "20M"])
    await killed.says(/big\.bin: .* of 19\.1 MiB/, "stderr")
    await hasBytes(join(back, "big.bin.partial"))
    await stop(killed, "SIGKILL")
    expect(Fs.readdirSync(back).sort()).toEqual([...three, "big.bin.partial"].sort())
    expect((await run(get)).code).toBe(0)
    expect(isSame(big, join(back, "big.bin"))).toBe(true)

    const { code, stderr } = await stop(again)
    expect(code).toBe(0)
    for (const what of ["received", "sent"]) {
      const now = Number(new RegExp(`${what} big.bin: 20000000 bytes, (\\d+) of them now`).exec(stderr)?.[1])
      expect(now).toBeGreaterThan(0)
      expect(now).toBeLessThan(20_000_000)
    }
  })

  it("touches nothing outside of its folder, whatever the name is", async () => {
    const { inside, outside } = makeFolder("inside", "outside") as { inside: string; outside: string }
    Fs.writeFileSync(join(outside, "secret"), "secret")
    Fs.writeFileSync(join(inside, "there"), "there")
    Fs.mkdirSync(join(inside, "sub"))
    Fs.writeFileSync(join(inside, "sub", "deep"), "deep")
    Fs.symlinkSync(join(outside, "secret"), join(inside, "link"))
    Fs.symlinkSync(outside, join(inside, "way"))
    Fs.symlinkSync(join(outside, "new"), join(inside, "dangling"))
    Fs.symlinkSync(join(outside, "new"), join(inside, "trap.partial"))
    const server = await serve(`files server ${inside} --max-size 1000`)

    /** Sends a request by its bytes, and returns the type of the answer and its first byte: the code of a refusal. */
    const ask = async (type: number, name: string | Buffer, size = 3): Promise<string> => {
      const socket = await connect({ port: server.port, host: "127.0.0.1" })
      const chunks: Array<Buffer> = []
      socket.on("data", (chunk: Buffer) => chunks.push(chunk))
      const bytes = Buffer.from(name)
      const length = Buffer.from([bytes.length >> 8, bytes.length & 255])
      const offer = Buffer.from([3, 0, 0, 0, 0, 0, 0, size >> 8, size & 255])
      const start = Buffer.from([5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 97, 98, 99, 0, 0, 0, 0])
      const rest = type === 1 ? [offer, start, createHash("sha256").update("abc").digest()] : []
      socket.end(Buffer.concat([Buffer.from([type]), Buffer.from("SLF1"), length, bytes, ...rest]))
      await once(socket, "end")
      const said = Buffer.concat(chunks)
      return [...said.subarray(0, 1), ...(said[0] === 8 ? said.subarray(1, 2) : [])].join(" ")
    }
    const badName = "8 3"
    const names = ["../outside/secret", "/etc/passwd", "sub/../../outside/secret", "..", ".", "", "sub/", "/", "a\0b"]
    names.push("sub\\..\\x", "there.partial", "a\nb", "x".repeat(250), "way/secret", "way/new", `${outside}/new`)
    for (const name of names) {
      expect([name, await ask(1, name), await ask(2, name)]).toEqual([name, badName, badName])
    }
    expect(await ask(2, "link")).toBe(badName)
    expect(await ask(2, "sub")).toBe("8 12")
    expect(await ask(2, "dangling")).toBe("8 1")
    expect(await ask(1, "none/new")).toBe("8 1")
    // What is no UTF-8, and what is no message, is not answered.
    expect(await ask(1, Buffer.from([0xff, 0xfe]))).toBe("")
    expect(await ask(99, "there")).toBe("")
    // What is there is not replaced, neither a file nor a folder nor a link.
    for (const name of ["there", "sub", "link", "dangling"]) expect([name, await ask(1, name)]).toEqual([name, "8 2"])
    // The folders below show that the link was not followed.
    expect(await ask(1, "trap")).toBe("4")
    expect(await ask(1, "large", 1001)).toBe("8 4")

    // A file that is offered gets its name, in a folder as well.
    expect(await ask(2, "sub/deep")).toBe("3")
    expect(await ask(1, "sub/new")).toBe("4")
    expect(await ask(1, "lost", 4)).toBe("4")
    await stop(server)
    expect(Fs.readFileSync(join(inside, "sub", "new"), "utf8")).toBe("abc")
    expect(Fs.readFileSync(join(inside, "there"), "utf8")).toBe("there")
    expect(Fs.readdirSync(outside)).toEqual(["secret"])
    expect(Fs.readdirSync(inside).sort()).toEqual(
      ["dangling", "link", "lost.partial", "sub", "there", "trap.partial", "way"]
    )
  })
})
