import { describe, expect, it, onTestFinished } from "@effect/vitest"
import * as Dgram from "node:dgram"
import { hasIpv6, run, serve, stop } from "./program.ts"

/** A plain datagram socket. */
const bind = async (onMessage: (payload: Buffer, reply: (text: string) => void) => void = () => {}) => {
  const socket = Dgram.createSocket("udp4")
  onTestFinished(async () => {
    await new Promise<void>((resolve) => socket.close(resolve))
  })
  socket.on("message", (payload, { address, port }) => onMessage(payload, (text) => socket.send(text, port, address)))
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
  return socket
}

const ask = async (port: number, message: string): Promise<string> => {
  const socket = await bind()
  const answer = new Promise<string>((resolve) => socket.once("message", (payload) => resolve(payload.toString())))
  socket.send(message, port, "127.0.0.1")
  return answer
}

describe("udp", () => {
  it("shows what it receives and from where, and answers", async () => {
    const server = await serve("udp server")
    const client = await run(["udp", "client", "--port", String(server.port), "Hello UDP server!"])
    expect(client).toMatchObject({ code: 0, stdout: "Server says: Hello from UDP server!\n", stderr: "" })
    const { code, stderr, stdout } = await stop(server)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(
      /^Server listening on 127\.0\.0\.1:\d+\nReceived from 127\.0\.0\.1:\d+: Hello UDP server!\n$/
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
    const deaf = await bind((_, reply) => ++asked === 3 && reply("at last"))
    const client = await run(`udp client --port ${deaf.address().port} --deadline 20s`)
    expect(client).toMatchObject({ code: 0, stdout: "Server says: at last\n", stderr: "" })
    expect(asked).toBe(3)
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
    const gone = Dgram.createSocket("udp4")
    await new Promise<void>((resolve) => gone.bind(0, "127.0.0.1", resolve))
    const { port } = gone.address()
    await new Promise<void>((resolve) => gone.close(resolve))
    const { code, stderr } = await run(`udp client --port ${port}`)
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^.*127\\.0\\.0\\.1:${port}.*refused.*\n$`))
  })
})
