import { describe, expect, it } from "@effect/vitest"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { ask, bind } from "./datagrams.ts"
import { hasIpv6, run, serve, stop, withoutDraining } from "./program.ts"

describe("udp", () => {
  it("shows what it receives and from where, and answers", async () => {
    const server = await serve("udp server")
    const client = await run(["udp", "client", "--port", String(server.port), "Hello UDP server!"])
    expect(client).toMatchObject({ code: 0, stdout: "Server says: Hello from UDP server!\n", stderr: "" })
    const { code, stderr, stdout } = await stop(server)
    expect([code, withoutDraining(stderr)]).toEqual([0, ""])
    // The client asks again if the answer takes its time.
    expect(stdout).toMatch(
      /^Server listening on 127\.0\.0\.1:\d+\n(Received from 127\.0\.0\.1:\d+: Hello UDP server!\n)+$/
    )
  })

  it("answers with what it got", async () => {
    const server = await serve("udp echo")
    expect(await ask(server.port, "ping")).toBe("ping")
    const client = await run(`udp client --port ${server.port} --host localhost pong`)
    expect(client.stdout).toBe("Server says: pong\n")
  })

  it.skipIf(!hasIpv6)("runs over IPv6", async () => {
    const server = await serve("udp server --host ::1")
    const client = await run(`udp client --host ::1 --port ${server.port} six`)
    expect(client.stdout).toBe("Server says: Hello from UDP server!\n")
    await server.says(/^Received from \[::1\]:\d+: six$/m)
  })

  it("asks again until an answer comes", async () => {
    let asked = 0
    const deaf = await bind((_, reply) => ++asked >= 3 && reply("at last"))
    const client = await run(`udp client --port ${deaf.address().port} --deadline 20s`)
    expect(client).toMatchObject({ code: 0, stdout: "Server says: at last\n", stderr: "" })
    expect(asked).toBeGreaterThanOrEqual(3)
  })

  it("says so when no one answers", async () => {
    const asked = Promise.withResolvers<void>()
    const silent = await bind(() => asked.resolve())
    const { port } = silent.address()
    const client = await run(`udp client --port ${port} --deadline 1s`)
    expect(client).toMatchObject({ code: 1, stdout: "" })
    expect(client.stderr).toMatch(new RegExp(`^no answer from udp://127\\.0\\.0\\.1:${port} within 1s; .*\n$`))
    await asked.promise
  })

  it("says so when no one is there", async () => {
    const port = await freePort()
    const { code, stderr } = await run(`udp client --port ${port}`)
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^.*127\\.0\\.0\\.1:${port}.*refused.*\n$`))
  })
})
