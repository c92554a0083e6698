import { describe, expect, it, onTestFinished } from "@effect/vitest"
import { createCipheriv } from "node:crypto"
import * as Net from "node:net"
import { join } from "node:path"
import { folder } from "./folder.ts"
import { connect, converse, hasIpv6, once, run, serve, start, stop, withoutDraining } from "./program.ts"

/** Bytes without a pattern, the same ones each time. */
const noise = (size: number) =>
  createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size))

describe("echo", () => {
  it("sends back what a client sends", async () => {
    const server = await serve("echo server")
    expect(await converse({ port: server.port }, "Hello TCP Server")).toBe("Hello TCP Server")
    const client = await run(["echo", "client", "--port", String(server.port), "Grüß dich"])
    expect(client).toMatchObject({ code: 0, stdout: "Server says: Grüß dich\n", stderr: "" })
    const { code, stderr, stdout } = await stop(server)
    expect([code, withoutDraining(stderr)]).toEqual([0, ""])
    expect(stdout).toBe(`Server listening on 127.0.0.1:${server.port}\n`)
  })

  it("serves many clients at once", async () => {
    const server = await serve("echo server")
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connect({ port: server.port })))
    for (const [index, socket] of sockets.toReversed().entries()) {
      socket.write(`client ${index}`)
      expect(String(await once(socket, "data"))).toBe(`client ${index}`)
    }
  })

  it("sends each piece back behind the prefix", async () => {
    const server = start(["echo", "server", "--port", "0", "--prefix", "Echo: "])
    const [, port] = await server.says(/^Server listening on .*:(\d+)$/m)
    const socket = await connect({ port: Number(port) })
    for (const piece of ["one", "two", "three"]) {
      socket.write(piece)
      expect(String(await once(socket, "data"))).toBe(`Echo: ${piece}`)
    }
    const client = await run(`echo client --port ${port} Hello`)
    expect(client.stdout).toBe("Server says: Echo: Hello\n")
  })

  it("takes clients' addresses from PROXY headers, and nothing else from this machine", async () => {
    const server = await serve("echo server --proxy-protocol")
    const line = "PROXY TCP4 198.51.100.7 203.0.113.1 50412 443\r\n"
    expect(await converse({ port: server.port }, `${line}hi\n`)).toBe("hi\n")
    const [logged] = await server.says(/connected .*/, "stderr")
    expect(logged).toMatch(/^connected through 127\.0\.0\.1:\d+ peer=198\.51\.100\.7:50412$/)
    const socket = await connect({ port: server.port })
    socket.write("hi\n")
    expect(await once(socket, "error")).toMatchObject({ code: "ECONNRESET" })
    await server.says(
      /WARN cannot read from 127\.0\.0\.1:\d+: not a PROXY header: unexpected byte at offset 0/,
      "stderr"
    )
  })

  it("streams 20 MB of standard input through, byte for byte", async () => {
    const input = noise(20_000_000)
    const server = await serve("echo server")
    const { code, output, stderr } = await run(`echo client --port ${server.port}`, { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(output.equals(input)).toBe(true)
  })

  it("streams nothing when standard input is empty", async () => {
    const server = await serve("echo server")
    expect(await run(`echo client --port ${server.port}`)).toMatchObject({ code: 0, stdout: "", stderr: "" })
  })

  it("streams what comes before the end of standard input", async () => {
    const server = await serve("echo server")
    const client = start(`echo client --port ${server.port}`)
    client.child.stdin.write("first\n")
    await client.says(/^first\n$/)
    client.child.stdin.end("second\n")
    expect(await client.ended).toMatchObject({ code: 0, stdout: "first\nsecond\n", stderr: "" })
  })

  it("ends quietly when nobody reads its output any more", async () => {
    const server = await serve("echo server")
    const client = start(`echo client --port ${server.port}`)
    // More comes back than a pipe holds, and standard input is left open.
    client.child.stdout.once("data", () => client.child.stdout.destroy())
    client.child.stdin.write(noise(1_000_000))
    expect(await client.ended).toMatchObject({ code: 0, stderr: "" })
  })

  it("says so when the server ends before everything was sent", async () => {
    const rude = Net.createServer((socket) => socket.on("error", () => {}).resume().end("enough"))
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void rude.close())
    const client = start(`echo client --port ${(rude.address() as Net.AddressInfo).port}`)
    expect(await client.ended).toMatchObject({
      code: 1,
      stdout: "enough",
      stderr: "the server ended before everything was sent\n"
    })
  })

  it("listens on a Unix-domain socket, and removes it in the end", async () => {
    const path = join(folder(), "echo.sock")
    const server = start(["echo", "server", "--unix", path])
    await server.says(/listening/)
    expect(await converse({ path }, "over a path")).toBe("over a path")
    const client = await run(["echo", "client", "--unix", path, "and again"])
    expect(client.stdout).toBe("Server says: and again\n")
    const second = await run(["echo", "server", "--unix", path])
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(path)
    expect((await stop(server)).stdout).toBe(`Server listening on ${path}\n`)
    await expect(connect({ path })).rejects.toMatchObject({ code: "ENOENT" })
  })

  it.skipIf(!hasIpv6)("runs over IPv6", async () => {
    const server = await serve("echo server --host ::1")
    expect(await converse({ port: server.port, host: "::1" }, "six")).toBe("six")
    const client = await run(`echo client --host [::1] --port ${server.port} seven`)
    expect(client.stdout).toBe("Server says: seven\n")
  })

  it("takes at most 50 connections of one address with --public", async () => {
    const server = await serve("echo server --public")
    const sockets = await Promise.all(Array.from({ length: 50 }, () => connect({ port: server.port })))
    for (const socket of sockets) {
      socket.write("x")
      await once(socket, "data")
    }
    const surplus = Net.connect({ port: server.port, host: "127.0.0.1" })
    surplus.on("error", () => {})
    await new Promise((resolve) => surplus.once("close", resolve))
    const other = await connect({ port: server.port, localAddress: "127.0.0.2" })
    other.write("y")
    expect(String(await once(other, "data"))).toBe("y")
    for (const socket of [...sockets, other]) socket.destroy()
  })

  it("breaks connections that are idle", async () => {
    const server = await serve("echo server --idle-timeout 200ms")
    const socket = Net.connect(server.port, "127.0.0.1")
    expect(await once<NodeJS.ErrnoException>(socket, "error")).toMatchObject({ code: "ECONNRESET" })
    await server.says(/WARN .*200 ms.*\n$/, "stderr")
  })

  it("lets more than --max-connections wait", async () => {
    const server = await serve("echo server --max-connections 1")
    const first = await connect({ port: server.port })
    first.write("first")
    expect(String(await once(first, "data"))).toBe("first")
    const second = converse({ port: server.port }, "second")
    first.write("still here")
    expect(String(await once(first, "data"))).toBe("still here")
    first.end()
    expect(await second).toBe("second")
  })
})
