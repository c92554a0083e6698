import { afterAll, describe, expect, it, onTestFinished } from "@effect/vitest"
import type * as CertificateName from "@sluice/core/CertificateName"
import * as TestCertificates from "@sluice/node/TestCertificates"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import { createCipheriv } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import * as Net from "node:net"
import { join } from "node:path"
import * as NodeTls from "node:tls"
import { deafListener } from "../../node/test/fixtures/deafListener.ts"
import { certificates } from "./certificates.ts"
import { fileOf, folder } from "./folder.ts"
import { haproxy } from "./haproxy.ts"
import { connect, converse, isThere, once, type Program, run, serve, start, stop, withoutDraining } from "./program.ts"

const made = certificates(folder(afterAll))

/** Bytes without a pattern, the same ones each time. */
const noise = (size: number) =>
  createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size))

/** Starts a relay that listens on a port, which is a free one. */
const relay = async (scheme: "tcp" | "tls", flags: string) => {
  const program = start(`relay --listen ${scheme}://127.0.0.1:0 ${flags}`)
  const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
  return { ...program, port: Number(port) }
}

/** A server by hand. */
const listen = async (onConnection: (socket: Net.Socket) => void): Promise<number> => {
  const server = Net.createServer({ allowHalfOpen: true }, (socket) => {
    onTestFinished(() => void socket.destroy())
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return (server.address() as Net.AddressInfo).port
}

/** All that comes until the other side ends. */
const received = async (socket: Net.Socket): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  socket.on("data", (chunk: Buffer) => chunks.push(chunk))
  await once(socket, "end")
  return Buffer.concat(chunks)
}

/** Says hello and hears it come back, and gives the address that it did so from. */
const greet = async (port: number): Promise<string> => {
  const socket = await connect({ port })
  const address = `127.0.0.1:${socket.localPort}`
  socket.end("hello")
  expect(String(await received(socket))).toBe("hello")
  return address
}

/** The first client that an echo server behind a proxy logs. */
const clientOf = async (echo: Program): Promise<string> => {
  const [, address] = await echo.says(/connected through .* peer=(.*)\n/, "stderr")
  return address!
}

/** The PROXY header that a connection begins with, as soon as it is whole. */
const headerOf = (socket: Net.Socket): Promise<ProxyProtocol.Header> =>
  new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const decoded = ProxyProtocol.decode(bytes)
      if (decoded._tag === "Failure") reject(decoded.failure)
      else if (decoded.success._tag === "Some") resolve(decoded.success.value.header)
    })
  })

/** A server by hand that says which header the first connection began with. */
const headers = async () => {
  let resolve: (header: Promise<ProxyProtocol.Header>) => void
  const header = new Promise<ProxyProtocol.Header>((resolved) => {
    resolve = resolved
  })
  const port = await listen((socket) => resolve(headerOf(socket)))
  return { header, port }
}

const endsQuietly = async (program: Program): Promise<void> => {
  const { code, stderr } = await stop(program)
  expect([code, withoutDraining(stderr)]).toEqual([0, ""])
}

describe("relay", () => {
  it("carries 10 MB from TCP over TLS to a Unix-domain socket, and back, behind a half-close", async () => {
    const path = join(folder(), "echo.sock")
    const echo = start(["echo", "server", "--unix", path])
    await echo.says(/listening/)
    const inner = await relay("tls", `--to unix://${path} ${made.serving}`)
    const outer = await relay("tcp", `--to tls://localhost:${inner.port} --to-tls-ca ${made.authority}`)
    const input = noise(10_000_000)
    const { code, output, stderr } = await run(`echo client --port ${outer.port}`, { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(output.equals(input)).toBe(true)
    for (const program of [outer, inner, echo]) await endsQuietly(program)
  })

  it("carries 10 MB from a Unix-domain socket over TLS to TCP, and back, behind a half-close", async () => {
    const path = join(folder(), "relay.sock")
    const echo = await serve("echo server")
    const inner = await relay("tls", `--to tcp://127.0.0.1:${echo.port} ${made.serving} ${made.asking}`)
    const showing = `--to-tls-ca ${made.authority} --to-tls-cert ${made.client.cert} --to-tls-key ${made.client.key}`
    const outer = start(`relay --listen unix://${path} --to tls://127.0.0.1:${inner.port} ${showing}`)
    await outer.says(/listening/)
    const input = noise(10_000_000)
    const { code, output, stderr } = await run(`echo client --unix ${path}`, { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(output.equals(input)).toBe(true)
    await endsQuietly(outer)
    expect(existsSync(path)).toBe(false)
  })

  it("lets a client continue when the server has ended, over TLS too", async () => {
    let heard: (bytes: Promise<Buffer>) => void
    const hearing = new Promise<Buffer>((resolve) => {
      heard = resolve
    })
    const port = await listen((socket) => {
      heard(received(socket))
      socket.end("that is all from me")
    })
    const inner = await relay("tls", `--to tcp://127.0.0.1:${port} ${made.serving}`)
    const outer = await relay("tcp", `--to tls://localhost:${inner.port} --to-tls-ca ${made.authority}`)
    const socket = await connect({ port: outer.port })
    expect(String(await received(socket))).toBe("that is all from me")
    socket.end("and here is my answer")
    expect(String(await hearing)).toBe("and here is my answer")
  })

  it("carries over that either side breaks off, over TLS too", async () => {
    const sockets: Array<Net.Socket> = []
    const port = await listen((socket) => void sockets.push(socket.on("data", (chunk: Buffer) => socket.write(chunk))))
    const inner = await relay("tls", `--to tcp://127.0.0.1:${port} ${made.serving}`)
    const outer = await relay("tcp", `--to tls://localhost:${inner.port} --to-tls-ca ${made.authority}`)
    const open = async () => {
      const socket = await connect({ port: outer.port })
      socket.write("half a mes")
      expect(String(await once(socket, "data"))).toBe("half a mes")
      return [socket, sockets.at(-1)!] as const
    }
    const [client, its] = await open()
    const clientFailed = once(client, "error")
    its.resetAndDestroy()
    expect(await clientFailed).toMatchObject({ code: "ECONNRESET" })
    const [leaving, left] = await open()
    const serverFailed = once(left, "error")
    leaving.resetAndDestroy()
    expect(await serverFailed).toMatchObject({ code: "ECONNRESET" })
  })

  it("resets a client whose server cannot be reached, says why, and keeps running", async () => {
    const echo = await serve("echo server")
    const program = await relay("tcp", `--to tcp://127.0.0.1:${echo.port}`)
    expect(await converse({ port: program.port }, "hello")).toBe("hello")
    await stop(echo)
    // The reset may come before the program has heard that it is connected.
    const socket = Net.connect(program.port, "127.0.0.1")
    expect(await once(socket, "error")).toMatchObject({ code: "ECONNRESET" })
    await program.says(
      new RegExp(`WARN cannot connect to tcp://127\\.0\\.0\\.1:${echo.port}: .*refused.* peer=127\\.0\\.0\\.1:\\d+`),
      "stderr"
    )
    expect(await stop(program)).toMatchObject({ code: 0 })
  })

  it("gives up on a server that does not answer, after --connect-timeout", () =>
    Effect.gen(function*() {
      const port = yield* deafListener("127.0.0.1")
      const program = yield* Effect.promise(() => relay("tcp", `--to tcp://127.0.0.1:${port} --connect-timeout 300ms`))
      const socket = Net.connect(program.port, "127.0.0.1")
      socket.on("error", () => {})
      const warned = program.says(/WARN cannot connect to (\S+): .* not established within 300 ms/, "stderr")
      expect((yield* Effect.promise(() => warned))[1]).toBe(`tcp://127.0.0.1:${port}`)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("does not send what it has to one that is not whom it should be", async () => {
    const inner = await relay("tls", `--to tcp://127.0.0.1:9 ${made.serving}`)
    const to = `--to tls://127.0.0.1:${inner.port} --to-tls-ca ${made.authority}`
    const outer = await relay("tcp", `${to} --to-tls-server-name example.org`)
    const socket = Net.connect(outer.port, "127.0.0.1")
    expect(await once(socket, "error")).toMatchObject({ code: "ECONNRESET" })
    await outer.says(/WARN .*the certificate is valid for localhost/, "stderr")
  })

  it("has the limits and deadlines of the servers", async () => {
    const echo = await serve("echo server")
    const program = await relay("tcp", `--to tcp://127.0.0.1:${echo.port} --max-connections 1 --idle-timeout 300ms`)
    const [first, second] = [Net.connect(program.port, "127.0.0.1"), Net.connect(program.port, "127.0.0.1")]
    const ended = Promise.all([first, second].map((socket) => once<NodeJS.ErrnoException>(socket, "error")))
    // The second one is accepted once the first one is gone.
    second.write("second")
    expect(String(await once(second, "data"))).toBe("second")
    expect(first.destroyed).toBe(true)
    expect(await ended).toMatchObject([{ code: "ECONNRESET" }, { code: "ECONNRESET" }])
  })

  it.each([
    ["relay --to tcp://127.0.0.1:9", /--listen/],
    ["relay --listen udp://127.0.0.1:0 --to tcp://127.0.0.1:9", /--listen: "udp:.*tls:/],
    ["relay --listen tls://127.0.0.1:0 --to tcp://127.0.0.1:9", /--tls-cert/],
    ["relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --tls-cert c.pem", /of no use for tcp:.*:0/],
    ["relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --to-tls-ca ca.pem", /of no use for tcp:.*:9/],
    ["relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --send-proxy v3", /--send-proxy: "v3".*v1 or v2/],
    ["relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --accept-proxy here", /trusted.*"here".*networks/]
  ])("%s", async (args, expected) => {
    const { code, stderr, stdout } = await run(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(stderr).toMatch(expected)
  })
})

describe("relay with PROXY headers", () => {
  it("passes on who came, over other relays, in both versions and over TLS", async () => {
    const path = join(folder(), "echo.sock")
    const echo = start(`echo server --unix ${path} --proxy-protocol`)
    await echo.says(/listening/)
    const inner = await relay("tls", `--to unix://${path} ${made.serving} --accept-proxy 127.0.0.1 --send-proxy v2`)
    const to = `--to tls://localhost:${inner.port} --to-tls-ca ${made.authority}`
    const outer = await relay("tcp", `${to} --send-proxy v1`)
    const address = await greet(outer.port)
    expect(await clientOf(echo)).toBe(address)
  })

  it("takes headers from those that it is told to trust, and from nobody else", async () => {
    const echo = await serve("echo server --proxy-protocol")
    const line = "PROXY TCP4 198.51.100.7 203.0.113.1 50412 443\r\n"
    const trusting = await relay(
      "tcp",
      `--to tcp://127.0.0.1:${echo.port} --accept-proxy 127.0.0.0/8,unix --send-proxy v2`
    )
    expect(await converse({ port: trusting.port }, `${line}hello`)).toBe("hello")
    expect(await clientOf(echo)).toBe("198.51.100.7:50412")
    const wary = await relay("tcp", `--to tcp://127.0.0.1:${echo.port} --accept-proxy 192.0.2.1 --send-proxy v1`)
    expect(await converse({ port: wary.port }, `${line}hello`)).toBe(`${line}hello`)
  })

  it("says what it knows of a client's TLS session", async () => {
    const { header, port } = await headers()
    const program = await relay(
      "tls",
      `--to tcp://127.0.0.1:${port} --send-proxy v2 ${made.serving} --tls-ca ${made.authority} --tls-client-cert wanted`
    )
    const socket = NodeTls.connect({
      port: program.port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: readFileSync(made.authority),
      cert: readFileSync(made.client.cert),
      key: readFileSync(made.client.key)
    })
    onTestFinished(() => void socket.destroy())
    await once(socket, "secureConnect")
    const { addresses, tlvs } = await header
    expect(addresses?.source).toMatchObject({ port: socket.localPort })
    expect(addresses?.destination).toMatchObject({ port: program.port })
    expect(tlvs).toEqual([
      { _tag: "Authority", name: "localhost" },
      {
        _tag: "Ssl",
        ssl: true,
        certificateOnConnection: true,
        certificateInSession: true,
        verify: 0,
        version: "TLSv1.3",
        cipher: "TLS_AES_256_GCM_SHA384",
        commonName: "client",
        others: []
      }
    ])
  })

  it("says the common name of a client, whatever else its certificate says", async () => {
    const authority = await Effect.runPromise(TestCertificates.authority("Test CA"))
    const authorities = fileOf("ca.pem", authority.certificate)
    let take = (_: Net.Socket): void => {}
    const port = await listen((socket) => take(socket))
    const program = await relay(
      "tls",
      `--to tcp://127.0.0.1:${port} --send-proxy v2 ${made.serving} --tls-ca ${authorities} ` +
        "--tls-client-cert required"
    )
    const subjects: ReadonlyArray<readonly [CertificateName.DistinguishedName, string | undefined]> = [
      [[{ type: "CN", value: "alice" }], "alice"],
      [[{ type: "O", value: "Evil, CN=admin" }, { type: "CN", value: "mallory" }], "mallory"],
      [[{ type: "O", value: "Evil\nCN=admin" }, { type: "CN", value: "mallory" }], "mallory"],
      [[{ type: "O", value: "Evil + CN=admin" }, { type: "CN", value: "mallory" }], "mallory"],
      [[{ type: "CN", value: "Smith, John" }], "Smith, John"],
      [[{ type: "CN", value: "a+b <c>; \"d\" \\" }], "a+b <c>; \"d\" \\"],
      [[{ type: "CN", value: "Jürgen 名前" }], "Jürgen 名前"],
      [[{ type: "CN", value: "first" }, { type: "CN", value: "second" }], "first"],
      [[{ type: "O", value: "CN=admin" }], undefined]
    ]
    for (const [subject, expected] of subjects) {
      const { chain, key } = await Effect.runPromise(authority.issue({ subject }))
      const header = new Promise<ProxyProtocol.Header>((resolve) => {
        take = (socket) => {
          resolve(headerOf(socket))
          socket.end()
        }
      })
      const socket = NodeTls.connect({
        port: program.port,
        host: "127.0.0.1",
        ca: readFileSync(made.authority),
        cert: chain,
        key
      })
      await once(socket, "secureConnect")
      // The server has ended: what becomes of this side is not the question here.
      socket.on("error", () => {})
      const ssl = ProxyProtocol.tlv(await header, "Ssl")
      expect([subject, ssl?.commonName, ssl?.verify]).toEqual([subject, expected, 0])
      const closed = new Promise((resolve) => socket.once("close", resolve))
      socket.resume().end()
      await closed
    }
  })

  it("says of a client without a certificate that nothing was verified", async () => {
    const { header, port } = await headers()
    const program = await relay("tls", `--to tcp://127.0.0.1:${port} --send-proxy v2 ${made.serving}`)
    const socket = NodeTls.connect({ port: program.port, host: "127.0.0.1", ca: readFileSync(made.authority) })
    onTestFinished(() => void socket.destroy())
    await once(socket, "secureConnect")
    const { tlvs } = await header
    expect(tlvs).toMatchObject([{ ssl: true, certificateOnConnection: false, certificateInSession: false, verify: 1 }])
  })

  it("passes on what another proxy knew of the client", async () => {
    const { header, port } = await headers()
    const inner = await relay("tcp", `--to tcp://127.0.0.1:${port} --accept-proxy 127.0.0.1 --send-proxy v2`)
    const outer = await relay("tls", `--to tcp://127.0.0.1:${inner.port} --send-proxy v2 ${made.serving}`)
    const socket = NodeTls.connect({
      port: outer.port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: readFileSync(made.authority)
    })
    onTestFinished(() => void socket.destroy())
    await once(socket, "secureConnect")
    expect(ProxyProtocol.tlv(await header, "Ssl")).toMatchObject({ ssl: true, version: "TLSv1.3" })
    expect(ProxyProtocol.tlv(await header, "Authority")).toEqual({ _tag: "Authority", name: "localhost" })
    expect((await header).addresses?.source).toMatchObject({ port: socket.localPort })
  })

  it("says of a client on a Unix-domain socket that it came by one", async () => {
    const { header, port } = await headers()
    const path = join(folder(), "relay.sock")
    const program = start(`relay --listen unix://${path} --to tcp://127.0.0.1:${port} --send-proxy v2`)
    await program.says(/listening/)
    await connect({ path })
    expect(await header).toMatchObject({ family: "UNIX", addresses: { destination: { path } } })
  })
})

describe.skipIf(!isThere("haproxy", "-v"))("behind HAProxy", () => {
  it.each([["v1", "send-proxy"], ["v2", "send-proxy-v2"]])("echo server sees the client: %s", async (_, option) => {
    const echo = await serve("echo server --proxy-protocol")
    const port = await haproxy({ server: `127.0.0.1:${echo.port} ${option}` })
    const address = await greet(port)
    expect(await clientOf(echo)).toBe(address)
  })

  it.each([["v1", "send-proxy"], ["v2", "send-proxy-v2"]])(
    "relay passes the client on: %s",
    async (version, option) => {
      const echo = await serve("echo server --proxy-protocol")
      const flags = `--accept-proxy 127.0.0.1 --send-proxy ${version}`
      const program = await relay("tcp", `--to tcp://127.0.0.1:${echo.port} ${flags}`)
      const port = await haproxy({ server: `127.0.0.1:${program.port} ${option}` })
      const address = await greet(port)
      expect(await clientOf(echo)).toBe(address)
    }
  )

  it("echo server speaks TLS itself, behind the header", async () => {
    const echo = await serve(`echo server --proxy-protocol ${made.serving}`)
    const port = await haproxy({ server: `127.0.0.1:${echo.port} send-proxy-v2` })
    expect(await run(`echo client --port ${port} ${made.trusting} hello`)).toMatchObject({
      code: 0,
      stdout: "Server says: hello\n",
      stderr: ""
    })
    expect(await clientOf(echo)).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  it("in front of it, relay is a proxy that HAProxy takes headers from", async () => {
    const echo = await serve("echo server --proxy-protocol")
    const server = `127.0.0.1:${echo.port} send-proxy-v2`
    const port = await haproxy({ server, bind: "accept-proxy" })
    for (const version of ["v1", "v2"]) {
      const program = await relay("tls", `--to tcp://127.0.0.1:${port} --send-proxy ${version} ${made.serving}`)
      const client = await run(`echo client --port ${program.port} ${made.trusting} hello`)
      expect(client).toMatchObject({ code: 0, stdout: "Server says: hello\n", stderr: "" })
    }
  })
})

describe("a relay with toxics", () => {
  it("delays, and changes what it does when the control socket says so", async () => {
    const echo = await serve("echo server")
    const program = start(
      `relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:${echo.port} --latency 150ms --slice 3 --control tcp://127.0.0.1:0`
    )
    const [, control] = await program.says(/^Control listening on .*:(\d+)$/m)
    const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
    const before = performance.now()
    await greet(Number(port))
    expect(performance.now() - before).toBeGreaterThanOrEqual(295)
    const commands = "set latency= reset-after=2\nset slice=none\nset speed=1\njump\nshow\n"
    expect(await converse({ port: Number(control) }, commands)).toBe([
      "ok slice=3 reset-after=2",
      "error: invalid slice; give bytes, such as 1000, 64KiB or 1MiB, or nothing to remove it",
      "error: unknown toxic; use latency, jitter, bandwidth, slice, reset-after, limit, timeout",
      "error: unknown command; use show, set NAME=VALUE … or clear",
      "ok slice=3 reset-after=2",
      ""
    ].join("\n"))
    const socket = await connect({ port: Number(port) })
    socket.write("hello")
    expect(await once<Error & { code: string }>(socket, "error")).toMatchObject({ code: "ECONNRESET" })
    expect(await converse({ port: Number(control) }, "clear\n")).toBe("ok\n")
    await greet(Number(port))
  })

  it("refuses a control socket that other machines reach, and sizes that it does not understand", async () => {
    const ended = await run("relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --control tcp://0.0.0.0:0")
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain("commands are not protected")
    const size = await run("relay --listen tcp://127.0.0.1:0 --to tcp://127.0.0.1:9 --bandwidth fast")
    expect(size.code).not.toBe(0)
    expect(size.stderr).toContain("1MiB")
  })
})
