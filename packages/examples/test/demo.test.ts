import { describe, expect, it } from "@effect/vitest"
import { ask } from "./datagrams.ts"
import { connect, converse, hasIpv6, node, once, source, spawn, stop } from "./program.ts"

const demo = async (args = "") => {
  // From source, as users start it.
  const ports = "--hello-port 0 --echo-port 0 --udp-port 0 --chat-port 0 --web-port 0"
  const program = spawn(node, [source, ...`demo ${ports}${args}`.split(" ")])
  await program.says(/Ctrl-C/)
  const port = async (name: string) => Number((await program.says(new RegExp(`^ +${name} .*?:(\\d+) {2,}`, "m")))[1])
  return {
    program,
    hello: await port("hello"),
    echo: await port("echo"),
    udp: await port("udp"),
    chat: await port("chat"),
    web: await port("web")
  }
}

describe("demo", () => {
  it("serves hello, echo, UDP and a chat, and says what it did and what it closed", async () => {
    const { chat, echo, hello, program, udp, web } = await demo()
    expect(await converse({ port: hello }, "Hello\n")).toBe("Hello from server!\n")
    expect(await converse({ port: echo }, "four")).toBe("four")
    expect(await ask(udp, "hiho")).toBe("hiho")
    await program.says(/INFO udp: 4 bytes/, "stderr")

    expect(await converse({ port: chat }, "/join lobby\nhello\n")).toMatch(/<guest1> hello\n-- goodbye\n$/)
    await program.says(/INFO chat/, "stderr")
    const asked = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    expect(await converse({ port: web }, asked)).toContain("<title>Chat</title>")

    const open = await connect({ port: echo })
    open.write("still open")
    await once(open, "data")
    program.child.kill("SIGINT")
    await once(open, "end")
    open.end()
    const { code, stderr, stdout } = await program.ended
    expect(code).toBe(0)

    expect(stdout).toMatch(new RegExp(`hello +TCP 127\\.0\\.0\\.1:${hello} .*nc 127\\.0\\.0\\.1 ${hello}$`, "m"))
    expect(stdout).toMatch(new RegExp(`echo +TCP 127\\.0\\.0\\.1:${echo} .*nc 127\\.0\\.0\\.1 ${echo}$`, "m"))
    expect(stdout).toMatch(new RegExp(`udp +UDP 127\\.0\\.0\\.1:${udp} .*nc -u -w 1 127\\.0\\.0\\.1 ${udp}$`, "m"))
    expect(stdout).toMatch(
      new RegExp(`web +HTTP 127\\.0\\.0\\.1:${web} +a browser: http://127\\.0\\.0\\.1:${web}/$`, "m")
    )
    expect(stdout).toMatch(/^Connected by 127\.0\.0\.1:\d+\nReceived: Hello$/m)
    for (
      const line of [
        /INFO hello: 6 bytes in, 19 out, \d+ ms peer=127\.0\.0\.1:\d+$/m,
        /INFO echo: 4 bytes in, 4 out, \d+ ms peer=127\.0\.0\.1:\d+$/m,
        /INFO udp: 4 bytes, \d+ ms peer=127\.0\.0\.1:\d+$/m,
        /INFO chat: 18 bytes in, \d+ out, \d+ ms peer=127\.0\.0\.1:\d+$/m,
        /INFO draining: 1 connection open, up to 5 s /m,
        /INFO echo: 10 bytes in, 10 out, \d+ ms peer=127\.0\.0\.1:\d+$/m,
        /INFO .*1 connection ended, 0 cut/,
        /INFO closed: hello after 1 connection, echo after 2 .*, udp after 1 datagram, chat after 1 .*, web after 0 connections$/m
      ]
    ) expect(stderr).toMatch(line)
    expect(stderr.trim().split("\n")).toHaveLength(8)
  })

  it.skipIf(!hasIpv6)("runs over IPv6", async () => {
    const { hello, program } = await demo(" --host ::1")
    expect(await converse({ port: hello, host: "::1" }, "Hello")).toBe("Hello from server!\n")
    expect((await stop(program)).stdout).toContain(`nc ::1 ${hello}`)
  })
})
