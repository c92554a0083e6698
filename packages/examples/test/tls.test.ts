import { afterAll, describe, expect, it, onTestFinished } from "@effect/vitest"
import { X509Certificate } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Tls from "node:tls"
import { certificates } from "./certificates.ts"
import { folder } from "./folder.ts"
import { connect, converse, isThere, once, run, serve, spawn, start } from "./program.ts"

const made = certificates(folder(afterAll))
const hasOpenssl = isThere("openssl", "version")
const hasPython = isThere("python3", "-c", "import ssl")

/** Runs a program that must fail: it says why in one line on standard error. */
const failure = async (args: string): Promise<string> => {
  const { code, stderr } = await run(args)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^[^\n]+\n$/)
  return stderr
}

describe("over TLS", () => {
  it("runs echo, and streams standard input through it", async () => {
    const server = await serve(`echo server ${made.serving}`)
    const said = await run(`echo client --port ${server.port} ${made.trusting} hello`)
    expect(said).toMatchObject({ code: 0, stdout: "Server says: hello\n", stderr: "" })
    const input = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index * 7 ^ index >> 9))
    const { code, output, stderr } = await run(`echo client --port ${server.port} ${made.trusting}`, { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(output.equals(input)).toBe(true)
  })

  it.each([
    ["hello server", "hello client", /^Server says: Hello from server!\n$/],
    ["framing lines server", "framing lines client one two", /^Server says: ONE\nServer says: TWO\n$/],
    ["rpc server", "rpc client 84", /^84 = 2 \* 2 \* 3 \* 7\n$/],
    ["chat server", "chat client --nick alice", /^<alice> hello$/m],
    ["metrics --metrics-port 0", "echo client hello", /^Server says: hello\n$/]
  ])("runs %s", async (server, client, expected) => {
    const { port } = await serve(`${server} ${made.serving} ${made.asking}`)
    const asked = await run(`${client} --port ${port} ${made.trusting} ${made.showing}`, { input: "hello\n" })
    expect(asked).toMatchObject({ code: 0, stderr: "" })
    expect(asked.stdout).toMatch(expected)
    const unknown = await run(`${client} --port ${port} ${made.trusting}`)
    expect(unknown).toMatchObject({ code: 1, stdout: "" })
    expect(unknown.stderr).toMatch(/^[^\n]*certificate_required[^\n]*\n$/)
  })

  it("takes files from the environment", async () => {
    const server = start("echo server --port 0", {
      SLUICE_TLS_CERT: made.server.cert,
      SLUICE_TLS_KEY: made.server.key
    })
    const [, port] = await server.says(/^Server listening on .*:(\d+)$/m)
    const environment = { SLUICE_TLS: "true", SLUICE_TLS_CA: made.authority }
    expect(await run(`echo client --port ${port} hello`, { environment })).toMatchObject({ code: 0 })
  })

  it("shows new certificates as soon as they are there, and keeps what is open", async () => {
    const its = certificates(folder())
    const server = await serve(`echo server ${its.serving}`)
    const before = readFileSync(its.authority)
    const open = await dial(server.port, before)
    expect(await run(["certificates", "--force", its.folder])).toMatchObject({ code: 0 })
    await server.says(/INFO the certificates were reloaded/, "stderr")
    const anew = await dial(server.port, readFileSync(its.authority))
    for (const socket of [open, anew]) {
      socket.write("still here")
      expect(String(await once(socket, "data"))).toBe("still here")
    }
    await expect(dial(server.port, before)).rejects.toThrow(/signature|verify|issuer/)
    writeFileSync(its.server.key, "no key any more")
    await server.says(/WARN .*server\.pem.*the certificates from before stay in use/, "stderr")
    await dial(server.port, readFileSync(its.authority))
  })

  it("accepts only the certificate that is pinned", async () => {
    const server = await serve(`echo server ${made.serving}`)
    const pin = new X509Certificate(readFileSync(made.server.cert)).fingerprint256
    const client = `echo client hello --port ${server.port} ${made.trusting} --tls-pin`
    expect(await run(`${client} ${pin.replaceAll(":", "").toLowerCase()}`)).toMatchObject({ code: 0 })
    expect(await failure(`${client} ${"00".repeat(32)}`)).toContain(
      `fingerprint ${pin} of the certificate is not pinned`
    )
  })

  it("verifies whom it talks to, unless it is told not to", async () => {
    const server = await serve(`echo server ${made.serving}`)
    const client = `echo client hello --port ${server.port}`
    expect(await failure(`${client} --tls`)).toMatch(/Sluice test authority.* not trusted/)
    expect(await failure(`${client} ${made.trusting} --tls-server-name example.org`)).toMatch(
      /valid for localhost.*not for example\.org/
    )
    const unverified = await run(`${client} --tls --tls-insecure-skip-verification`)
    expect(unverified).toMatchObject({ code: 0, stdout: "Server says: hello\n" })
    expect(unverified.stderr).toMatch(/^[^\n]* WARN not verified: [^\n]*not trusted\n$/)
  })

  it("says what is wrong with a client, and keeps running", async () => {
    const server = await serve(`echo server ${made.serving}`)
    const socket = await connect({ port: server.port })
    socket.resume().write("GET / HTTP/1.1\r\n\r\n")
    await server.says(/WARN .*127\.0\.0\.1:\d+: the peer does not speak TLS/, "stderr")
    expect(await run(`echo client hello --port ${server.port} ${made.trusting}`)).toMatchObject({ code: 0 })
  })

  it("is not what a server in the clear speaks", async () => {
    const server = await serve("hello server")
    expect(await failure(`hello client --port ${server.port} ${made.trusting}`)).toMatch(/does not speak TLS/)
    expect(await converse({ port: server.port }, "hello")).toBe("Hello from server!")
  })
})

/** Connects by Node's own TLS. */
const dial = async (port: number, ca: Buffer): Promise<Tls.TLSSocket> => {
  const socket = Tls.connect({ port, host: "127.0.0.1", ca })
  onTestFinished(() => void socket.destroy())
  await once(socket, "secureConnect")
  return socket
}

describe("what TLS cannot do with", () => {
  const { authority, client, server, serving, showing } = made
  const torn = join(made.folder, "torn.pem")
  writeFileSync(torn, readFileSync(server.cert, "utf8").slice(0, 300))

  it.each([
    [
      "a missing file",
      `echo server --tls-cert /nowhere.pem --tls-key ${server.key}`,
      /\/nowhere\.pem.*does not exist; check the path/
    ],
    ["a folder", `echo server --tls-cert ${made.folder} --tls-key ${server.key}`, /is not usable/],
    ["a torn file", `echo server --tls-cert ${torn} --tls-key ${server.key}`, /torn\.pem.*no PEM block/],
    [
      "another's key",
      `echo server --port 0 --tls-cert ${server.cert} --tls-key ${client.key}`,
      /key .* does not match/
    ],
    ["no key", `echo server --tls-cert ${server.cert}`, /without its key/],
    ["no certificate", `hello server --tls-key ${server.key}`, /without its certificate/],
    ["nobody to vouch", `rpc server ${serving} --tls-client-cert required`, /--tls-ca/],
    ["nobody to vouch for", `echo server ${serving} --tls-ca ${authority}`, /--tls-client-cert/],
    ["an authority alone", `echo server --tls-ca ${authority}`, /--tls-cert/],
    ["an odd wish", `echo server ${serving} --tls-client-cert maybe`, /"maybe".*off, wanted or required/],
    ["a Unix-domain socket", `echo server ${serving} --unix /tmp/sluice.sock`, /Unix-domain/],
    [
      "a client's missing file",
      "echo client --tls --tls-ca /nowhere.pem hello",
      /\/nowhere\.pem.*does not exist; check the path/
    ],
    ["an authority that is none", `echo client --tls --tls-ca ${server.key} hello`, /authorities is not usable/],
    ["a client that is in the clear", `echo client ${showing} hello`, /without --tls/],
    ["a bad pin", "hello client --tls --tls-pin abc", /--tls-pin.*64 hexadecimal digits/]
  ])("%s", async (_, args, expected) => {
    expect(await failure(args)).toMatch(expected)
  })
})

describe.skipIf(!hasOpenssl)("openssl", () => {
  const client = (port: number, ...args: ReadonlyArray<string>) => {
    const trusting = ["-CAfile", made.authority, "-verify_return_error", "-servername", "localhost"]
    return spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...trusting, ...args])
  }

  it("talks to echo server in both versions", async () => {
    const server = await serve(`echo server ${made.serving}`)
    for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
      const { child, ended, says } = client(server.port, flag)
      await says(/Verify return code: 0 \(ok\)/)
      child.stdin.write("over TLS\n")
      await says(/over TLS$/m)
      child.stdin.end()
      expect((await ended).stdout).toContain(`New, ${version}`)
    }
  })

  it("shows echo server a certificate, or is rejected", async () => {
    const server = await serve(`echo server ${made.serving} ${made.asking}`)
    const known = client(server.port, "-cert", made.client.cert, "-key", made.client.key)
    await known.says(/Verify return code: 0 \(ok\)/)
    known.child.stdin.write("it is me\n")
    await known.says(/it is me$/m)
    known.child.stdin.end()
    expect((await known.ended).stdout).toMatch(/Acceptable client certificate CA names\nCN ?= ?Sluice test authority/)
    const unknown = client(server.port)
    await server.says(/WARN .*the peer sent no certificate/, "stderr")
    expect((await unknown.ended).stderr).toContain("alert certificate required")
  })

  it("serves echo client, and sees its certificate", async () => {
    const files = ["-CAfile", made.authority, "-cert", made.server.cert, "-key", made.server.key]
    const server = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", "-rev", "-Verify", "1", ...files])
    const [, port] = await server.says(/^ACCEPT 127\.0\.0\.1:(\d+)$/m)
    const asked = start(`echo client --port ${port} ${made.trusting} ${made.showing}`)
    asked.child.stdin.write("hello\n")
    await asked.says(/^olleh\n$/)
    asked.child.stdin.end()
    const [subject] = await server.says(/CN ?= ?client/, "stderr")
    expect(subject).toBeDefined()
  })
})

describe.skipIf(!hasPython)("python3's ssl", () => {
  it("talks to echo server, shows its certificate and ends in order", async () => {
    const server = await serve(`echo server ${made.serving} ${made.asking}`)
    const client = spawn("python3", [
      "-c",
      `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.load_cert_chain(sys.argv[3], sys.argv[4])
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as plain:
  with context.wrap_socket(plain, server_hostname="localhost") as secure:
    secure.sendall(b"Hello")
    print(secure.version(), secure.recv(1024).decode())
    secure.unwrap()`,
      String(server.port),
      made.authority,
      made.client.cert,
      made.client.key
    ])
    expect(await client.ended).toMatchObject({ code: 0, stdout: "TLSv1.3 Hello\n", stderr: "" })
  })
})

describe.skipIf(!isThere("curl", "--version"))("curl", () => {
  it("takes hello server for a web server", async () => {
    const { client, authority } = made
    const reply = "HTTP/1.0 200 OK\r\n\r\nhello over https\n"
    const flags = `--port 0 ${made.serving} ${made.asking}`.split(" ")
    const server = start(["hello", "server", "--reply", reply, ...flags])
    const [, port] = await server.says(/^Server listening on .*:(\d+)$/m)
    const url = `https://localhost:${port}/`
    const asked = spawn("curl", ["-sS", "--cacert", authority, "--cert", client.cert, "--key", client.key, url])
    expect(await asked.ended).toMatchObject({ code: 0, stdout: "hello over https\n", stderr: "" })
    await server.says(/^Received: GET \/ HTTP\/1\.1/m)
    // 56: the server's alert comes when the request was sent.
    expect((await spawn("curl", ["-sS", "--cacert", authority, url]).ended).code).toBe(56)
  })
})
