import { describe, expect, it, onTestFinished } from "@effect/vitest"
import * as Net from "node:net"
import { connect, converse, isThere, once, run, serve, spawn, stop, withoutDraining } from "./program.ts"

const names = ["fixed", "length", "delimited", "lines"]

/** What "one" and "two" are on the wire, and what their answers are. */
const wire: Record<string, readonly [question: string, answer: string]> = {
  fixed: [`${"one".padEnd(32)}${"two".padEnd(32)}`, `${"ONE".padEnd(32)}${"TWO".padEnd(32)}`],
  length: ["\0\0\0\x03one\0\0\0\x03two", "\0\0\0\x03ONE\0\0\0\x03TWO"],
  delimited: ["one\0two\0", "ONE\0TWO\0"],
  lines: ["one\r\ntwo\n", "ONE\nTWO\n"]
}

describe("framing", () => {
  it.each(names)("%s: answers each message of the arguments, and of standard input", async (name) => {
    const server = await serve(`framing ${name} server`)
    const client = ["framing", name, "client", "--port", String(server.port)]
    expect(await run([...client, "Hello", "", "grüß dich"])).toMatchObject({
      code: 0,
      stdout: "Server says: HELLO\nServer says: \nServer says: GRÜSS DICH\n",
      stderr: ""
    })
    expect(await run(client, { input: "first\nlast, without an ending" })).toMatchObject({
      code: 0,
      stdout: "Server says: FIRST\nServer says: LAST, WITHOUT AN ENDING\n",
      stderr: ""
    })
    expect(await run(client)).toMatchObject({ code: 0, stdout: "", stderr: "" })
    const { code, stderr, stdout } = await stop(server)
    expect([code, withoutDraining(stderr)]).toEqual([0, ""])
    expect(stdout.split("\n").slice(1)).toEqual([
      "Received: Hello",
      "Received: ",
      "Received: grüß dich",
      "Received: first",
      "Received: last, without an ending",
      ""
    ])
  })

  it.each(names)("%s: is on the wire what it says", async (name) => {
    const server = await serve(`framing ${name} server`)
    const [question, answer] = wire[name]!
    expect(await converse({ port: server.port }, question)).toBe(answer)
  })

  it.each(names)("%s: finds messages that come byte by byte", async (name) => {
    const server = await serve(`framing ${name} server`)
    const [question, answer] = wire[name]!
    const socket = await connect({ port: server.port, noDelay: true })
    let got = ""
    socket.on("data", (chunk: Buffer) => got += String(chunk))
    for (const byte of Buffer.from(question)) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve))
    }
    socket.end()
    await once(socket, "end")
    expect(got).toBe(answer)
  })

  it.each(names)("%s: answers, then says that the last message is cut off", async (name) => {
    const server = await serve(`framing ${name} server`)
    const [question, answer] = wire[name]!
    const socket = await connect({ port: server.port })
    socket.write(question)
    let got = ""
    await new Promise<void>((resolve) =>
      socket.on("data", (chunk: Buffer) => {
        got += String(chunk)
        if (got.length === answer.length) resolve()
      })
    )
    expect(got).toBe(answer)
    socket.on("error", () => {})
    socket.end("cu")
    await server.says(/truncated frame at byte \d+: the input ended after 2 bytes/, "stderr")
  })

  it("does not send what a framing cannot carry", async () => {
    const server = await serve("framing fixed server")
    const client = ["framing", "fixed", "client", "--port", String(server.port)]
    const long = await run([...client, "short", "x".repeat(33)])
    expect(long).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^cannot encode frame: 33 bytes, limit 32; .*\n$/)
    })
    const padded = await run([...client, "padded "])
    expect(padded).toMatchObject({ code: 1, stderr: expect.stringMatching(/ends with a space.*\n$/) })
  })

  it("says so when the server ends before it answered everything", async () => {
    const silent = Net.createServer((socket) => socket.on("error", () => {}).resume().end("ONE\n"))
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as Net.AddressInfo
    expect(await run(["framing", "lines", "client", "--port", String(port), "one", "two", "three"])).toMatchObject({
      code: 1,
      stdout: "Server says: ONE\n",
      stderr: "the server ended before it answered 2 of the messages\n"
    })
  })

  it("shows the problem, and what a framing makes of it", async () => {
    const { code, stderr, stdout } = await run("framing problem")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const seen = stdout.split("\n").map((line) => line.trim().replace(/ {2,}/g, " "))
    expect(seen).toContain("one recv 48 65 6c 6c 6f 57 6f 72 6c 64")
    expect(seen).toContain(`received 1 message "HelloWorld"`)
    expect(seen).toContain("one recv 00 00 00 05 48 65 6c 6c 6f 00 00 00 05 57 6f 72 6c 64")
    expect(seen).toContain(`received 2 messages "Hello" "World"`)
  })
})

describe.skipIf(!isThere("nc", "-h"))("nc and framing", () => {
  it("talks in lines", async () => {
    const server = await serve("framing lines server")
    const client = spawn("nc", ["-N", "127.0.0.1", String(server.port)])
    client.child.stdin.end("one\ntwo\n")
    const ended = await client.ended
    if (/(invalid|illegal|unknown) option/i.test(ended.stderr)) return console.warn("skipped: this nc has no -N")
    expect(ended).toMatchObject({ code: 0, stdout: "ONE\nTWO\n" })
  })
})

describe.skipIf(!isThere("python3", "--version"))("python3 and framing", () => {
  const python = (code: string, ...args: ReadonlyArray<string | number>) =>
    spawn("python3", ["-u", "-c", `import socket, struct, sys\n${code}`, ...args.map(String)])

  const reading = `
def exactly(s, n):
  data = b""
  while len(data) < n:
    piece = s.recv(n - len(data))
    if not piece: raise SystemExit("ended")
    data += piece
  return data
def receive(s):
  return exactly(s, struct.unpack("!I", exactly(s, 4))[0])`

  it("talks to framing length server", async () => {
    const server = await serve("framing length server")
    const client = python(
      `${reading}
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"".join(struct.pack("!I", len(m)) + m for m in [b"one", b"", b"two"]))
for _ in range(3): print(receive(s))`,
      server.port
    )
    expect(await client.ended).toMatchObject({ code: 0, stdout: "b'ONE'\nb''\nb'TWO'\n" })
  })

  it("serves framing length client", async () => {
    const server = python(`${reading}
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1])
c, _ = s.accept()
for _ in range(2):
  m = b"answer to " + receive(c)
  c.sendall(struct.pack("!I", len(m)) + m)
c.close()`)
    const port = Number((await server.says(/^(\d+)$/m))[1])
    expect(await run(["framing", "length", "client", "--port", String(port), "one", "two"])).toMatchObject({
      code: 0,
      stdout: "Server says: answer to one\nServer says: answer to two\n",
      stderr: ""
    })
  })
})
