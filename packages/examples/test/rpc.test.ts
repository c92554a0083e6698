import { describe, expect, it } from "@effect/vitest"
import { join } from "node:path"
import { freePort } from "../../node/test/fixtures/freePort.ts"
import { folder } from "./folder.ts"
import { connect, once, run, serve, start, stop, withoutDraining } from "./program.ts"

describe("rpc", () => {
  it("answers calls and streams", async () => {
    const server = await serve("rpc server")
    const client = await run(`rpc client --port ${server.port} --primes 5 84 97 2147483647`)
    expect(client).toMatchObject({
      code: 0,
      stdout: "84 = 2 * 2 * 3 * 7\n97 = 97\n2147483647 = 2147483647\n2\n3\n5\n7\n11\n",
      stderr: ""
    })
    const { code, stderr, stdout } = await stop(server)
    expect([code, withoutDraining(stderr)]).toEqual([0, ""])
    expect(stdout).toBe(`Server listening on 127.0.0.1:${server.port}\n`)
  })

  it("streams more than fits anywhere at once", async () => {
    const server = await serve("rpc server")
    const { code, stdout } = await run(`rpc client --port ${server.port} --primes 5000`)
    const primes = stdout.trim().split("\n").map(Number)
    expect({ code, count: primes.length, last: primes.at(-1) }).toEqual({ code: 0, count: 5000, last: 48_611 })
  })

  it("says what a call failed with", async () => {
    const server = await serve("rpc server")
    expect(await run(["rpc", "client", "--port", String(server.port), "84", "1"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "1 has no prime factors; expected a whole number from 2 to 2^53 - 1\n"
    })
  })

  it("runs over a Unix-domain socket", async () => {
    const path = join(folder(), "rpc.sock")
    const server = start(["rpc", "server", "--unix", path])
    await server.says(/^Server listening on .*rpc\.sock$/m)
    expect(await run(["rpc", "client", "--unix", path, "6"])).toMatchObject({ code: 0, stdout: "6 = 2 * 3\n" })
    await stop(server)
  })

  it("says so when nobody answers", async () => {
    const { code, stderr, stdout } = await run(`rpc client --port ${await freePort()} 6`)
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^cannot connect to tcp:\/\/127\.0\.0\.1:\d+: the connection was refused/)
  })

  it("speaks JSON in lines to anybody", async () => {
    const server = await serve("rpc server")
    const socket = await connect({ port: server.port })
    socket.write(
      JSON.stringify({ _tag: "Request", id: "1", tag: "Factor", payload: { number: 12 }, headers: [] }) + "\n"
    )
    const answer = JSON.parse(String(await once(socket, "data"))) as object
    expect(answer).toMatchObject({ _tag: "Exit", requestId: "1", exit: { _tag: "Success", value: [2, 2, 3] } })
    socket.end()
    await once(socket, "close")
    const { code, stderr } = await stop(server)
    expect([code, withoutDraining(stderr)]).toEqual([0, ""])
  })

  it("answers others while a call takes long, and refuses a request that never ends", async () => {
    const server = await serve("rpc server")
    const slow = await connect({ port: server.port })
    const request = (id: string, number: number) =>
      JSON.stringify({ _tag: "Request", id, tag: "Factor", payload: { number }, headers: [] }) + "\n"
    const answers: Array<string> = []
    slow.on("data", (chunk: Buffer) => answers.push(chunk.toString()))
    // A prime near 2^53: some 47 million divisions.
    slow.write(request("1", 9_007_199_254_740_881) + request("2", 12))
    while (answers.length === 0) await once(slow, "data")
    expect(JSON.parse(answers[0]!)).toMatchObject({ requestId: "2", exit: { value: [2, 2, 3] } })
    const endless = await connect({ port: server.port })
    endless.on("error", () => {})
    const closed = new Promise((resolve) => endless.once("close", resolve))
    endless.write("x".repeat(200_000))
    await closed
    slow.destroy()
    await stop(server, "SIGKILL")
  })

  it("ends at once when it is told to, with a client on the line", async () => {
    const server = await serve("rpc server --drain 2m")
    const socket = await connect({ port: server.port })
    const ended = once(socket, "end")
    socket.resume()
    const begun = Date.now()
    expect((await stop(server)).code).toBe(0)
    await ended
    socket.destroy()
    expect(Date.now() - begun).toBeLessThan(60_000)
  })
})
