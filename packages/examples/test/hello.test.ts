import { describe, expect, it } from "@effect/vitest"
import * as Net from "node:net"
import { connect, converse, hasIpv6, once, run, serve, start, stop, withoutDraining } from "./program.ts"

describe("hello", () => {
  it("shows who connects and what they say, and answers", async () => {
    const server = await serve("hello server")
    const client = await run(["hello", "client", "--port", String(server.port), "Hi there"])
    expect(client).toMatchObject({ code: 0, stdout: "Server says: Hello from server!\n", stderr: "" })
    const { code, stderr, stdout } = await stop(server)
    expect(code).toBe(0)
    expect(withoutDraining(stderr)).toBe("")
    expect(stdout).toMatch(
      /^Server listening on 127\.0\.0\.1:\d+\nConnected by 127\.0\.0\.1:\d+\nReceived: Hi there\n$/
    )
    expect(stdout.split("\n")[0]).toBe(`Server listening on 127.0.0.1:${server.port}`)
  })

  it("answers what it was told to answer, and closes", async () => {
    const server = await serve("hello server --reply Servus")
    const socket = await connect({ port: server.port })
    socket.write("not ended by the client")
    expect(String(await once(socket, "data"))).toBe("Servus")
    await once(socket, "end")
  })

  it("shows control characters as what they are", async () => {
    const server = await serve("hello server")
    await converse({ port: server.port }, "a\u001b[31m\r\nConnected by nobody\n")
    expect((await stop(server)).stdout).toMatch(/^Received: a\\x1b\[31m\\r\\nConnected by nobody$/m)
  })

  it("says hello when nothing else is given", async () => {
    const server = await serve("hello server")
    await run(`hello client --port ${server.port}`)
    expect((await stop(server)).stdout).toMatch(/^Received: Hello from client!$/m)
  })

  it("takes the address from the environment", async () => {
    const server = start("hello server", { SLUICE_HOST: "localhost", SLUICE_PORT: "0" })
    const [, port] = await server.says(/^Server listening on .*:(\d+)$/m)
    const client = await run("hello client", { environment: { SLUICE_HOST: "localhost", SLUICE_PORT: port } })
    expect(client.stdout).toBe("Server says: Hello from server!\n")
  })

  it.skipIf(!hasIpv6)("runs over IPv6", async () => {
    const server = await serve("hello server --host ::1")
    const client = await run(`hello client --host ::1 --port ${server.port}`)
    expect(client.stdout).toBe("Server says: Hello from server!\n")
    const { stdout } = await stop(server)
    expect(stdout).toMatch(/^Server listening on \[::1\]:\d+\nConnected by \[::1\]:\d+\n/)
  })

  it("reports that the server ended without an answer", async () => {
    const silent = Net.createServer((socket) => socket.on("error", () => {}).end())
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const { port } = silent.address() as Net.AddressInfo
    const { code, stderr, stdout } = await run(`hello client --port ${port}`)
    silent.close()
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toContain(`127.0.0.1:${port}`)
    expect(stderr.trim().split("\n")).toHaveLength(1)
  })
})
