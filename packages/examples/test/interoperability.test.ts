import { describe, expect, it } from "@effect/vitest"
import { isThere, main, node, run, serve, spawn } from "./program.ts"

const python = (code: string, ...args: ReadonlyArray<string | number>) =>
  spawn("python3", ["-u", "-c", `import os, socket, sys\n${code}`, ...args.map(String)])

describe.skipIf(!isThere("python3", "--version"))("python3 clients", () => {
  const ask = `
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.argv[2].encode())
print(s.recv(1024).decode())
s.close()`

  it("talk to hello server", async () => {
    const server = await serve("hello server")
    expect(await python(ask, server.port, "Hello").ended).toMatchObject({ code: 0, stdout: "Hello from server!\n" })
    await server.says(/^Received: Hello$/m)
  })

  it("talk to echo server", async () => {
    const server = await serve("echo server")
    expect(await python(ask, server.port, "Hello").ended).toMatchObject({ code: 0, stdout: "Hello\n" })
  })

  it.each([["udp server", "Hello from UDP server!\n"], ["udp echo", "Hello\n"]])("talk to %s", async (name, answer) => {
    const server = await serve(name)
    const client = python(
      `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"Hello", ("127.0.0.1", int(sys.argv[1])))
print(s.recvfrom(1024)[0].decode())`,
      server.port
    )
    expect(await client.ended).toMatchObject({ code: 0, stdout: answer })
  })
})

describe.skipIf(!isThere("python3", "--version"))("python3 servers", () => {
  const listening = async (code: string) => {
    const server = python(code)
    return Number((await server.says(/^(\d+)$/m))[1])
  }

  const stream = `
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1])
c, _ = s.accept()`

  it("talk to hello client", async () => {
    const port = await listening(`${stream}
data = c.recv(1024)
c.sendall(b"Hello " + data)
c.close()`)
    expect(await run(`hello client --port ${port} there`)).toMatchObject({
      code: 0,
      stdout: "Server says: Hello there\n"
    })
  })

  it("talk to hello client though they keep the connection open", async () => {
    const port = await listening(`${stream}
c.sendall(b"Hello " + c.recv(1024))
c.recv(1024)
sys.stdin.read()`)
    expect(await run(`hello client --port ${port} there`)).toMatchObject({
      code: 0,
      stdout: "Server says: Hello there\n"
    })
  })

  it("talk to echo client", async () => {
    const port = await listening(`${stream}
while data := c.recv(1024):
  c.sendall(data)
c.close()`)
    expect(await run(`echo client --port ${port} Hello`)).toMatchObject({ code: 0, stdout: "Server says: Hello\n" })
  })

  it("talk to udp client", async () => {
    const port = await listening(`
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])
data, peer = s.recvfrom(1024)
s.sendto(b"Hello " + data, peer)`)
    expect(await run(`udp client --port ${port} there`)).toMatchObject({
      code: 0,
      stdout: "Server says: Hello there\n"
    })
  })
})

describe.skipIf(!isThere("python3", "--version"))("a terminal", () => {
  it("is not streamed by echo client, which says what to do", async () => {
    const server = await serve("echo server")
    const terminal = python(
      `
import pty
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))`,
      node,
      main,
      "echo",
      "client",
      "--port",
      server.port
    )
    const { code, stdout } = await terminal.ended
    expect(code).toBe(1)
    expect(stdout.trim()).toBe("nothing to send: give a MESSAGE, or < FILE")
  })
})

describe.skipIf(!isThere("nc", "-h"))("nc", () => {
  it("talks to echo server", async () => {
    const server = await serve("echo server")
    const client = spawn("nc", ["-N", "127.0.0.1", String(server.port)])
    client.child.stdin.end("Hello TCP Server")
    const ended = await client.ended
    if (/(invalid|illegal|unknown) option/i.test(ended.stderr)) return console.warn("skipped: this nc has no -N")
    expect(ended).toMatchObject({ code: 0, stdout: "Hello TCP Server" })
  })

  it("talks to hello server", async () => {
    const server = await serve("hello server")
    const client = spawn("nc", ["127.0.0.1", String(server.port)])
    client.child.stdin.end("Hello")
    expect((await client.ended).stdout).toBe("Hello from server!")
  })
})
